"""The sandbox process: `python -m post_service.media.child`, run by kit.sandbox."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kit import sandboxed

from post_service.media.images import make_variants
from post_service.media.videos import make_video


def make(job: Mapping[str, Any]) -> Mapping[str, Any]:
    source, out, x, y = Path(job["source"]), Path(job["out"]), job["focal_x"], job["focal_y"]
    if job["kind"] == "video":
        return asdict(make_video(source, out, focal_x=x, focal_y=y, wall_seconds=job["wall_seconds"]))
    return asdict(make_variants(source, out, focal_x=x, focal_y=y))


if __name__ == "__main__":
    sandboxed.serve(make)
