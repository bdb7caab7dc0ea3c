"""Variants are made in a process that may die."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import imageio_ffmpeg
import pytest
import pytest_asyncio
from kit.sandbox import Limits, Refused, SandboxError
from PIL import Image
from post_service.media.sandbox import Made, Sandbox
from post_service.model.media import Focus, Kind

ROOMY = Limits(memory_bytes=3 << 30, cpu_seconds=60, wall_seconds=60)


@pytest_asyncio.fixture
async def sandbox() -> AsyncGenerator[Sandbox]:
    made = Sandbox(ROOMY)
    yield made
    await made.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo"
    Image.effect_noise((1200, 900), 60).save(path, "JPEG")
    return path


def film(path: Path, *options: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10"]
    subprocess.run([*command, "-t", "1", *options, "-y", str(path)], check=True)
    return path


async def test_one_process_makes_many_pictures(sandbox: Sandbox, photo: Path, tmp_path: Path) -> None:
    for _ in range(3):
        made = await sandbox.make(Kind.IMAGE, photo, tmp_path, Focus())
        assert isinstance(made, Made)
        assert [file.name for file in made.files][:2] == ["1080.webp", "1080.jpg"]


async def test_a_text_file_called_jpg_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    fake = tmp_path / "photo.jpg"
    fake.write_text("not a picture at all")
    assert await sandbox.make(Kind.IMAGE, fake, tmp_path, Focus()) == Refused("NOT_AN_IMAGE")
    assert await sandbox.make(Kind.VIDEO, fake, tmp_path, Focus()) == Refused("NOT_A_VIDEO")


async def test_a_job_that_needs_too_much_memory_fails_alone(tmp_path: Path) -> None:
    large = tmp_path / "large"
    Image.new("RGB", (9000, 9000)).save(large, "PNG")
    cramped = Sandbox(Limits(memory_bytes=260 << 20, cpu_seconds=60, wall_seconds=60))
    try:
        with pytest.raises(SandboxError):
            await cramped.make(Kind.IMAGE, large, tmp_path, Focus())
    finally:
        await cramped.close()


async def test_a_video_becomes_mp4_with_posters_and_without_metadata(sandbox: Sandbox, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mov", "-metadata", "title=secret title", "-metadata", "location=+52.5+13.4/")
    made = await sandbox.make(Kind.VIDEO, source, tmp_path, Focus())
    assert isinstance(made, Made)
    assert [file.name for file in made.files][:3] == ["video.mp4", "1080.webp", "1080.jpg"]
    assert (made.width, made.height) == (320, 240)
    data = await asyncio.to_thread((tmp_path / "video.mp4").read_bytes)
    assert b"secret title" not in data
    assert b"+52.5" not in data
    assert data.index(b"moov") < data.index(b"mdat"), "playback starts before all is loaded"
    assert b"avc1" in data


async def test_a_playlist_inside_a_video_upload_fetches_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    playlist = tmp_path / "film.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/steal\n")
    assert await sandbox.make(Kind.VIDEO, playlist, tmp_path, Focus()) == Refused("NOT_A_VIDEO")
