"""The sandbox process: `python -m user_service.pictures`, run by kit.sandbox. Makes avatars of strangers' files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit import images, sandboxed
from kit.images import File
from PIL import Image

EDGES = (640, 320, 150)
MAX_PIXELS = 64_000_000
_FORMATS = (*images.PHOTO_FORMATS, "GIF")


def make_avatar(source: Path, out: Path, *, focal_x: float, focal_y: float) -> list[File]:
    """Writes a square of every size as WebP and JPEG to `out`: these very sizes, so that addresses
    tell them. Of an animation the first frame. Raises RefusedError as kit.images does."""
    picture = images.read(
        source, lambda size: images.cover(size, EDGES[0]), formats=_FORMATS, max_pixels=MAX_PIXELS
    ).image
    square = picture.crop(images.square_box(picture.size, focal_x, focal_y))
    files: list[File] = []
    for edge in EDGES:
        # Each from the one before: a cascade costs less than resizing the largest each time.
        square = square.resize((edge, edge), Image.Resampling.LANCZOS)
        files += images.write(square, str(edge), out)
    return files


def make(job: Mapping[str, Any]) -> Mapping[str, Any]:
    source, out = Path(job["source"]), Path(job["out"])
    return {"files": make_avatar(source, out, focal_x=job["focal_x"], focal_y=job["focal_y"])}


if __name__ == "__main__":
    sandboxed.serve(make)
