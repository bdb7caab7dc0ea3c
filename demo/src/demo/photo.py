"""Makes a photograph as a phone would: several megapixels, turned on its side, with EXIF and a GPS position."""

import io
import random

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 4032, 3024
"""Pixels as stored; 12.2 megapixels."""

# The sensor was held upright: viewers must turn the picture by 90 degrees (EXIF orientation 6).
_ROTATE_90 = 6


def take_photo(seed: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A JPEG of a hazy evening sky over hills, with the grain of a small sensor; the same seed gives the same bytes."""
    rng = random.Random(seed)  # noqa: S311 a picture
    sky = Image.linear_gradient("L").resize((width, height))
    warm = Image.merge("RGB", (sky, sky.point(lambda v: int(v * 0.7)), ImageChops.invert(sky)))
    draw = ImageDraw.Draw(warm)
    _hills(draw, rng, width, height)
    sun_x, sun_y, radius = rng.randint(width // 4, 3 * width // 4), height // 3, height // 18
    draw.ellipse((sun_x - radius, sun_y - radius, sun_x + radius, sun_y + radius), fill=(255, 236, 190))
    grain = Image.effect_noise((width, height), 48).filter(ImageFilter.SMOOTH)
    photo = Image.blend(warm, Image.merge("RGB", (grain, grain, grain)), 0.12)
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=92, exif=_exif())
    return out.getvalue()


def _hills(draw: ImageDraw.ImageDraw, rng: random.Random, width: int, height: int) -> None:
    for layer in range(4):
        base = height * (6 + layer) // 10
        ridge = [(x, base + rng.randint(-height // 20, height // 20)) for x in range(0, width + 1, width // 12)]
        shade = 90 - 20 * layer
        draw.polygon([(0, height), *ridge, (width, height)], fill=(shade, shade + 10, shade + 25))


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Heliograph"
    exif[ExifTags.Base.Model] = "Demo"
    exif[ExifTags.Base.Orientation] = _ROTATE_90
    exif[ExifTags.Base.DateTime] = "2026:06:21 21:30:00"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 0.0)
    gps[ExifTags.GPS.GPSLongitudeRef] = "E"
    gps[ExifTags.GPS.GPSLongitude] = (13.0, 24.0, 0.0)
    return exif
