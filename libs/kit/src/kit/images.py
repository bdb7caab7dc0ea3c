"""Pictures that a stranger chose: checked before they are decoded, turned upright, freed of all metadata, encoded.

To be run inside kit.sandbox only. Sizes are (width, height) in pixels.
"""

import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image, ImageCms, ImageOps

from kit.sandboxed import RefusedError

MAX_PIXELS = 100_000_000
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})
_WHITE = (255, 255, 255, 255)

Size: TypeAlias = tuple[int, int]
File: TypeAlias = tuple[str, int, int, str]
"""Name, width, height and content type of what was written to a folder."""


@dataclass(frozen=True)
class Picture:
    """Width and height are those of the original as shown; `image` is upright, in sRGB, RGB or RGBA, nothing but
    pixels."""

    width: int
    height: int
    image: Image.Image


def read(
    source: Path,
    resized: Callable[[Size], Size],
    *,
    formats: tuple[str, ...] = PHOTO_FORMATS,
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """The first frame of the file, in the size that `resized` makes of the original's (never larger than that).
    `formats` are Pillow's names; what the file is called plays no part. Raises RefusedError: NOT_AN_IMAGE,
    TOO_MANY_PIXELS, IMAGE_TRUNCATED, IMAGE_BROKEN."""
    forbid_bombs(max_pixels)
    with _opened(source, formats, max_pixels) as image:
        width, height = _upright_size(image)
        return Picture(width, height, _decode(image, resized(image.size)))


def forbid_bombs(max_pixels: int = MAX_PIXELS) -> None:
    """Pillow only warns between one and two times its limit."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def fit(size: Size, edge: int) -> Size:
    """The size with its long edge at most `edge`, never larger than it was."""
    return _scaled(size, min(1.0, edge / max(size)))


def cover(size: Size, edge: int) -> Size:
    """The size with its short edge at most `edge`, never larger than it was."""
    return _scaled(size, min(1.0, edge / min(size)))


def square_box(size: Size, focal_x: float, focal_y: float) -> tuple[int, int, int, int]:
    """The largest square around the focal point that the picture has room for."""
    side = min(size)
    left = min(max(round(size[0] * focal_x - side / 2), 0), size[0] - side)
    top = min(max(round(size[1] * focal_y - side / 2), 0), size[1] - side)
    return left, top, left + side, top + side


def write(picture: Image.Image, name: str, out: Path) -> list[File]:
    """As WebP and as JPEG."""
    picture.save(out / f"{name}.webp", "WEBP", quality=80, method=2)
    flat(picture).save(out / f"{name}.jpg", "JPEG", quality=82, optimize=True, progressive=True)
    size = picture.width, picture.height
    return [(f"{name}.webp", *size, "image/webp"), (f"{name}.jpg", *size, "image/jpeg")]


def flat(picture: Image.Image) -> Image.Image:
    """On white, for formats without transparency."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture).convert("RGB")


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _opened(source: Path, formats: tuple[str, ...], max_pixels: int) -> Image.Image:
    """Reads the header only."""
    try:
        image = Image.open(source, formats=formats)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise RefusedError("TOO_MANY_PIXELS") from None
    except (OSError, SyntaxError, ValueError):
        raise RefusedError("NOT_AN_IMAGE") from None
    if image.width * image.height > max_pixels:
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


def _upright_size(image: Image.Image) -> Size:
    return (image.height, image.width) if _orientation(image) in _SIDEWAYS else (image.width, image.height)


def _decode(image: Image.Image, box: Size) -> Image.Image:
    """The first frame in that size, upright, in sRGB, as RGB or RGBA."""
    orientation = _orientation(image)
    profile = image.info.get("icc_profile")
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
