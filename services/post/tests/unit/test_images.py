"""The sizes that posts show a picture in."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from post_service.media.images import make_variants

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


def test_every_size_is_made_in_webp_and_jpeg(tmp_path: Path) -> None:
    made = make_variants(save(tmp_path, halves()), tmp_path, focal_x=0.5, focal_y=0.5)
    sizes = {name: (width, height) for name, width, height, _ in made.files}
    assert sizes == {
        f"{edge}.{kind}": size
        for edge, size in {"1080": (1080, 810), "640": (640, 480), "320": (320, 240), "150": (150, 150)}.items()
        for kind in ("webp", "jpg")
    }
    for name, width, height, content_type in made.files:
        with Image.open(tmp_path / name) as image:
            assert image.size == (width, height)
            assert Image.MIME[str(image.format)] == content_type
    assert (made.width, made.height) == (1600, 1200)
    assert len(made.blurhash) > 20


def test_small_pictures_are_never_enlarged(tmp_path: Path) -> None:
    made = make_variants(save(tmp_path, halves((200, 100)), "PNG"), tmp_path, focal_x=0.5, focal_y=0.5)
    sizes = {name: (width, height) for name, width, height, _ in made.files}
    assert sizes["1080.webp"] == sizes["320.jpg"] == (200, 100)
    assert sizes["150.webp"] == (100, 100)


def test_the_square_follows_the_focal_point(tmp_path: Path) -> None:
    source = save(tmp_path, halves())
    make_variants(source, tmp_path, focal_x=0.0, focal_y=0.5)
    with Image.open(tmp_path / "150.jpg") as left:
        assert close_to(left.getpixel((90, 75)), RED)
    make_variants(source, tmp_path, focal_x=1.0, focal_y=0.5)
    with Image.open(tmp_path / "150.jpg") as right:
        assert close_to(right.getpixel((60, 75)), BLUE)
