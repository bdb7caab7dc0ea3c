"""Pictures: checked before they are decoded, turned upright, freed of all metadata, resized, encoded.

Runs in the sandbox process only, on bytes that a stranger chose.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import blurhash
from PIL import Image, ImageCms, ImageOps

MAX_PIXELS = 100_000_000
EDGES = (1080, 640, 320)
SQUARE = 150
_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})
_BLURHASH_EDGE = 32
_WHITE = (255, 255, 255, 255)
File: TypeAlias = tuple[str, int, int, str]


class RefusedError(Exception):
    """The file will never become a picture; the text is a stable SCREAMING_SNAKE reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Made:
    """`files` are (name, width, height, content type) of what was written to the output folder."""

    width: int
    height: int
    blurhash: str
    files: list[File]


def make_variants(source: Path, out: Path, *, focal_x: float, focal_y: float) -> Made:
    """Writes every size of the picture as WebP and JPEG to `out`. Never larger than the original. Raises RefusedError:
    NOT_AN_IMAGE, TOO_MANY_PIXELS, IMAGE_TRUNCATED, IMAGE_BROKEN."""
    forbid_bombs()
    with _opened(source) as image:
        width, height = _upright_size(image)
        largest = _decode(image)
    files: list[File] = []
    whole = largest
    for name, picture in _sizes(largest, focal_x, focal_y):
        files.extend(_write(picture, name, out))
        whole = picture if name != str(SQUARE) else whole
    return Made(width, height, _blurhash(whole), files)


def forbid_bombs() -> None:
    """Pillow only warns between one and two times its limit."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _opened(source: Path) -> Image.Image:
    """Reads the header only."""
    try:
        image = Image.open(source, formats=_FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise RefusedError("TOO_MANY_PIXELS") from None
    except (OSError, SyntaxError, ValueError):
        raise RefusedError("NOT_AN_IMAGE") from None
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise RefusedError("TOO_MANY_PIXELS")
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        struct.error,
    ):  # broken metadata is no reason to refuse the picture
        return 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    return (image.height, image.width) if _orientation(image) in _SIDEWAYS else (image.width, image.height)


def _decode(image: Image.Image) -> Image.Image:
    """The first frame at the largest size, upright, in sRGB, as RGB or RGBA."""
    orientation = _orientation(image)
    profile = image.info.get("icc_profile")
    box = fit(image.size, EDGES[0])
    image.draft(None, box)  # a JPEG decodes to half, a quarter or an eighth, never below the box
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        truncated = "truncated" in str(error).lower()
        raise RefusedError("IMAGE_TRUNCATED" if truncated else "IMAGE_BROKEN") from None
    small = _eight_bits(image).resize(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _turned(_in_srgb(small, profile), orientation)


def _eight_bits(image: Image.Image) -> Image.Image:
    """A mode that resizes well: L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in {"L", "RGB", "RGBA", "CMYK"}:
        return image
    transparent = "transparency" in image.info or image.mode in {"LA", "PA", "La", "RGBa"}
    return image.convert("RGBA" if transparent else "RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours stay what they were when the profile is left out."""
    wanted = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb: Any = ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownVariableType] untyped in Pillow
            target = ImageCms.ImageCmsProfile(srgb)
            converted = ImageCms.profileToProfile(image, source, target, outputMode=wanted)
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a broken or foreign profile: the plain conversion has to do
        if converted is not None:
            return converted
    return image.convert(wanted)


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    clean = Image.new(image.mode, image.size)
    clean.paste(image)  # pixels only: whatever else the file carried stays behind
    exif = clean.getexif()
    exif[_ORIENTATION] = orientation
    upright = ImageOps.exif_transpose(clean)
    upright.info.clear()
    return upright


def fit(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """The size with its long edge at most `edge`, never larger than it was."""
    scale = min(1.0, edge / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def square_box(size: tuple[int, int], focal_x: float, focal_y: float) -> tuple[int, int, int, int]:
    """The largest square around the focal point that the picture has room for."""
    side = min(size)
    left = min(max(round(size[0] * focal_x - side / 2), 0), size[0] - side)
    top = min(max(round(size[1] * focal_y - side / 2), 0), size[1] - side)
    return left, top, left + side, top + side


def _sizes(largest: Image.Image, focal_x: float, focal_y: float) -> Iterator[tuple[str, Image.Image]]:
    """Each from the one before: a cascade costs far less than resizing the original each time."""
    picture = largest
    for edge in EDGES:
        box = fit(picture.size, edge)
        if box != picture.size:
            picture = picture.resize(box, Image.Resampling.LANCZOS)
        yield str(edge), picture
    crop = picture.crop(square_box(picture.size, focal_x, focal_y))
    if crop.width > SQUARE:
        crop = crop.resize((SQUARE, SQUARE), Image.Resampling.LANCZOS)
    yield str(SQUARE), crop


def _write(picture: Image.Image, name: str, out: Path) -> list[File]:
    picture.save(out / f"{name}.webp", "WEBP", quality=80, method=2)
    _flat(picture).save(out / f"{name}.jpg", "JPEG", quality=82, optimize=True, progressive=True)
    size = picture.width, picture.height
    return [(f"{name}.webp", *size, "image/webp"), (f"{name}.jpg", *size, "image/jpeg")]


def _flat(picture: Image.Image) -> Image.Image:
    """On white, for formats without transparency."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture).convert("RGB")


def _blurhash(smallest: Image.Image) -> str:
    tiny = _flat(smallest).resize(fit(smallest.size, _BLURHASH_EDGE), Image.Resampling.BILINEAR)
    rows = [[tiny.getpixel((x, y)) for x in range(tiny.width)] for y in range(tiny.height)]
    return blurhash.encode(rows, components_x=4, components_y=4)
