"""Strangers' pictures, as made here."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from kit.images import PHOTO_FORMATS, Picture, cover, fit, read, square_box, write
from kit.sandboxed import RefusedError
from PIL import ExifTags, Image, ImageCms, ImageDraw

RED, BLUE = (200, 30, 30), (30, 30, 200)


def halves(size: tuple[int, int] = (1600, 1200), mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, BLUE)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1]), fill=RED)
    return image.convert(mode)


def save(folder: Path, image: Image.Image, kind: str = "JPEG", **options: object) -> Path:
    path = folder / "source"
    image.save(path, kind, **options)  # type: ignore[arg-type]
    return path


def close_to(found: Any, wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(found, wanted, strict=False))


def make(source: Path, out: Path) -> Picture:
    """640.webp and 640.jpg."""
    picture = read(source, lambda size: fit(size, 640))
    write(picture.image, "640", out)
    return picture


def exif_of_phone(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Model] = "Secret Phone"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 0.0)
    return exif


def test_orientation_is_applied_and_all_metadata_is_gone(tmp_path: Path) -> None:
    exif = exif_of_phone(6)
    source = save(tmp_path, halves(), exif=exif, comment=b"taken by Ben", icc_profile=None)
    made = make(source, tmp_path)
    assert (made.width, made.height) == (1200, 1600)
    for name in ("640.webp", "640.jpg"):
        data = (tmp_path / name).read_bytes()
        assert b"Secret Phone" not in data
        assert b"taken by Ben" not in data
        assert b"Exif" not in data
        with Image.open(tmp_path / name) as image:
            assert not image.getexif()
            assert not {"exif", "xmp", "comment", "icc_profile", "photoshop"} & set(image.info)
    with Image.open(tmp_path / "640.jpg") as image:
        assert image.size == (480, 640)
        assert close_to(image.getpixel((240, 20)), RED)  # turned clockwise: left becomes top
        assert close_to(image.getpixel((240, 620)), BLUE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_show_the_same_picture(tmp_path: Path, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = halves((800, 600))
    ImageDraw.Draw(picture).rectangle((0, 0, 100, 100), fill=(255, 255, 255))
    stored = picture.transpose(turns[orientation]) if orientation in turns else picture
    make(save(tmp_path, stored, exif=exif_of_phone(orientation)), tmp_path)
    with Image.open(tmp_path / "640.webp") as shown:
        assert shown.size == (640, 480)
        assert close_to(shown.getpixel((20, 20)), (255, 255, 255))
        assert close_to(shown.getpixel((20, 460)), RED)
        assert close_to(shown.getpixel((620, 20)), BLUE)


@pytest.mark.parametrize("focal", [(0.0, 0.0), (1.0, 1.0), (0.5, 0.3)])
def test_the_square_stays_inside(focal: tuple[float, float]) -> None:
    left, top, right, bottom = square_box((300, 200), *focal)
    assert 0 <= left < right <= 300
    assert 0 <= top < bottom <= 200
    assert right - left == bottom - top == 200


def test_fitting_keeps_at_least_one_pixel() -> None:
    assert fit((10_000, 2), 320) == (320, 1)


def test_covering_counts_the_short_edge_and_enlarges_nothing() -> None:
    assert cover((4000, 3000), 640) == (853, 640)
    assert cover((10_000, 20), 640) == (10_000, 20)


def test_only_the_formats_asked_for_are_taken(tmp_path: Path) -> None:
    frames = [Image.new("P", (40, 30), 1), Image.new("P", (40, 30), 2)]
    source = save(tmp_path, frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(RefusedError, match="NOT_AN_IMAGE"):
        make(source, tmp_path)
    picture = read(source, lambda size: size, formats=(*PHOTO_FORMATS, "GIF"))
    assert (picture.image.mode, picture.image.size) == ("RGB", (40, 30))


def test_a_caller_may_allow_fewer_pixels(tmp_path: Path) -> None:
    source = save(tmp_path, halves((100, 100)))
    with pytest.raises(RefusedError, match="TOO_MANY_PIXELS"):
        read(source, lambda size: size, max_pixels=9_999)


def test_transparency_survives_in_webp_and_is_white_in_jpeg(tmp_path: Path) -> None:
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 199, 399), fill=(*RED, 255))
    make(save(tmp_path, image, "PNG"), tmp_path)
    with Image.open(tmp_path / "640.webp") as webp:
        pixel = webp.convert("RGBA").getpixel((300, 100))
        assert isinstance(pixel, tuple)
        assert pixel[3] == 0
    with Image.open(tmp_path / "640.jpg") as jpeg:
        assert close_to(jpeg.getpixel((300, 100)), (255, 255, 255))
        assert close_to(jpeg.getpixel((50, 100)), RED)


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG")])
def test_other_colour_modes_become_ordinary_pictures(tmp_path: Path, mode: str, kind: str) -> None:
    make(save(tmp_path, halves(mode=mode), kind), tmp_path)
    with Image.open(tmp_path / "640.jpg") as image:
        assert image.mode == "RGB"
        left, right = image.getpixel((100, 200)), image.getpixel((540, 200))
    if mode in {"CMYK", "P"}:
        assert close_to(left, RED)
        assert close_to(right, BLUE)


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    image = Image.new("I;16", (640, 480), 32768)
    make(save(tmp_path, image, "PNG"), tmp_path)
    with Image.open(tmp_path / "640.jpg") as made:
        assert close_to(made.getpixel((10, 10)), (128, 128, 128))


def test_the_first_frame_of_an_animation_is_shown(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (400, 300), RED), Image.new("RGB", (400, 300), BLUE)]
    source = save(tmp_path, frames[0], "WEBP", save_all=True, append_images=frames[1:])
    make(source, tmp_path)
    with Image.open(tmp_path / "640.webp") as image:
        assert getattr(image, "n_frames", 1) == 1
        assert close_to(image.getpixel((5, 5)), RED)


def test_colours_of_a_profile_are_converted_before_it_is_dropped(tmp_path: Path) -> None:
    srgb: Any = ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownVariableType] untyped in Pillow
    profile = ImageCms.ImageCmsProfile(srgb).tobytes()
    make(save(tmp_path, halves(), icc_profile=profile), tmp_path)
    with Image.open(tmp_path / "640.jpg") as image:
        assert "icc_profile" not in image.info
        assert close_to(image.getpixel((100, 100)), RED)


def test_a_broken_profile_does_not_refuse_the_picture(tmp_path: Path) -> None:
    make(save(tmp_path, halves(), icc_profile=b"nonsense" * 40), tmp_path)
    with Image.open(tmp_path / "640.jpg") as image:
        assert close_to(image.getpixel((100, 100)), RED)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"just text, called photo.jpg",
        b"GIF89a" + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8",
    ],
)
def test_what_is_no_picture_by_its_content_is_refused(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(data)
    with pytest.raises(RefusedError) as raised:
        make(source, tmp_path)
    assert raised.value.reason == "NOT_AN_IMAGE"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_refused(tmp_path: Path, kind: str) -> None:
    out = io.BytesIO()
    Image.effect_noise((800, 600), 90).convert("RGB").save(out, kind)
    source = tmp_path / "source"
    source.write_bytes(out.getvalue()[: len(out.getvalue()) // 2])
    with pytest.raises(RefusedError) as raised:
        make(source, tmp_path)
    assert raised.value.reason in {"IMAGE_TRUNCATED", "IMAGE_BROKEN", "NOT_AN_IMAGE"}


def png_of(width: int, height: int) -> bytes:
    """A few bytes that claim a size; the pixels, if ever decoded, would be zeros."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(10_001, 10_000), (20_000, 10_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    source = tmp_path / "source"
    source.write_bytes(png_of(*size))
    with pytest.raises(RefusedError) as raised:
        make(source, tmp_path)
    assert raised.value.reason == "TOO_MANY_PIXELS"
