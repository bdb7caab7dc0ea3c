"""Videos: probed, transcoded to H.264 MP4 that starts at once, without metadata, with poster pictures.

Runs in the sandbox process only; ffmpeg is a program of its own that inherits the sandbox's limits.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from kit.sandboxed import RefusedError, die_with_parent

from post_service.media.images import Made, make_variants

MAX_SECONDS = 600
MAX_EDGE = 1920
MAX_PIXELS = 8192 * 4320
_PROBE_SECONDS = 20
_MAIN = "video.mp4"
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_STREAM = re.compile(r"Stream #\d+:\d+.*?: Video: .*?, (\d{2,5})x(\d{2,5})")
# Only the container that was announced, only local files: a playlist inside must not make ffmpeg fetch anything.
_INPUT = ("-nostdin", "-hide_banner", "-protocol_whitelist", "file,pipe", "-threads", "2", "-f", "mov")
_PLAIN = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")


@dataclass(frozen=True)
class Probe:
    seconds: float
    width: int
    height: int


def make_video(source: Path, out: Path, *, focal_x: float, focal_y: float, wall_seconds: float) -> Made:
    """Writes video.mp4 and the poster's sizes to `out`. Raises RefusedError: NOT_A_VIDEO, VIDEO_TOO_LONG,
    VIDEO_TOO_LARGE, VIDEO_BROKEN."""
    _sniff(source)
    probe = _probe(source)
    if probe.seconds > MAX_SECONDS:
        raise RefusedError("VIDEO_TOO_LONG")
    if probe.width * probe.height > MAX_PIXELS:
        raise RefusedError("VIDEO_TOO_LARGE")
    _transcode(source, out / _MAIN, wall_seconds)
    done = _probe(out / _MAIN)
    still = out / "still.png"
    _still(out / _MAIN, still, at=min(1.0, done.seconds / 2))
    poster = make_variants(still, out, focal_x=focal_x, focal_y=focal_y)
    still.unlink()
    main = (_MAIN, done.width, done.height, "video/mp4")
    return Made(done.width, done.height, poster.blurhash, [main, *poster.files])


def _sniff(source: Path) -> None:
    """ISO base media and QuickTime files begin with a box of one of these types."""
    with source.open("rb") as file:
        head = file.read(12)
    if head[4:8] not in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
        raise RefusedError("NOT_A_VIDEO")


def _probe(source: Path) -> Probe:
    said = _ffmpeg([*_INPUT, "-i", str(source)], _PROBE_SECONDS).stderr.decode(errors="replace")
    duration, stream = _DURATION.search(said), _STREAM.search(said)
    if duration is None or stream is None:
        raise RefusedError("NOT_A_VIDEO")
    hours, minutes, seconds = duration.groups()
    return Probe(int(hours) * 3600 + int(minutes) * 60 + float(seconds), int(stream[1]), int(stream[2]))


def _transcode(source: Path, target: Path, wall_seconds: float) -> None:
    scale = (
        f"scale=w='trunc(iw*min(1,{MAX_EDGE}/max(iw,ih))/2)*2':h='trunc(ih*min(1,{MAX_EDGE}/max(iw,ih))/2)*2',"
        "setsar=1,format=yuv420p"
    )
    video = ("-map", "0:v:0", "-vf", scale, "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-threads", "2")
    audio = ("-map", "0:a:0?", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-sn", "-dn")
    end = ("-t", str(MAX_SECONDS), "-movflags", "+faststart", "-f", "mp4", "-y", str(target))
    done = _ffmpeg([*_INPUT, "-i", str(source), *video, *audio, *_PLAIN, *end], wall_seconds)
    if done.returncode != 0:
        raise RefusedError("VIDEO_BROKEN")


def _still(source: Path, target: Path, *, at: float) -> None:
    done = _ffmpeg(
        [*_INPUT, "-ss", f"{at:.3f}", "-i", str(source), "-frames:v", "1", "-y", str(target)], _PROBE_SECONDS
    )
    if done.returncode != 0 or not target.exists():
        raise RefusedError("VIDEO_BROKEN")


def _ffmpeg(arguments: list[str], seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """Raises TimeoutExpired, which counts as a failed attempt."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *arguments]
    return subprocess.run(  # noqa: S603 our own arguments
        command,
        capture_output=True,
        timeout=seconds,
        check=False,
        preexec_fn=die_with_parent,
    )
