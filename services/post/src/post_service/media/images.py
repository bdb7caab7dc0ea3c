"""The sizes that posts show a picture in.

Runs in the sandbox process only, on bytes that a stranger chose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import blurhash
from kit import images
from kit.images import File
from PIL import Image

EDGES = (1080, 640, 320)
SQUARE = 150
_BLURHASH_EDGE = 32


@dataclass(frozen=True)
class Made:
    """Width and height of the original as shown, and what was written to the output folder."""

    width: int
    height: int
    blurhash: str
    files: list[File]


def make_variants(source: Path, out: Path, *, focal_x: float, focal_y: float) -> Made:
    """Writes every size of the picture as WebP and JPEG to `out`. Never larger than the original. Raises RefusedError
    as kit.images does."""
    picture = images.read(source, lambda size: images.fit(size, EDGES[0]))
    files: list[File] = []
    whole = picture.image
    for name, sized in _sizes(picture.image, focal_x, focal_y):
        files.extend(images.write(sized, name, out))
        whole = sized if name != str(SQUARE) else whole
    return Made(picture.width, picture.height, _blurhash(whole), files)


def _sizes(largest: Image.Image, focal_x: float, focal_y: float) -> Iterator[tuple[str, Image.Image]]:
    """Each from the one before: a cascade costs far less than resizing the original each time."""
    picture = largest
    for edge in EDGES:
        box = images.fit(picture.size, edge)
        if box != picture.size:
            picture = picture.resize(box, Image.Resampling.LANCZOS)
        yield str(edge), picture
    crop = picture.crop(images.square_box(picture.size, focal_x, focal_y))
    if crop.width > SQUARE:
        crop = crop.resize((SQUARE, SQUARE), Image.Resampling.LANCZOS)
    yield str(SQUARE), crop


def _blurhash(smallest: Image.Image) -> str:
    tiny = images.flat(smallest).resize(images.fit(smallest.size, _BLURHASH_EDGE), Image.Resampling.BILINEAR)
    rows = [[tiny.getpixel((x, y)) for x in range(tiny.width)] for y in range(tiny.height)]
    return blurhash.encode(rows, components_x=4, components_y=4)
