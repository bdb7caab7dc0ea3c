"""The making of variants, in a process that may die."""

from dataclasses import dataclass
from pathlib import Path

from kit import sandbox
from kit.sandbox import Limits, Refused

from post_service.model.media import Focus, Kind


@dataclass(frozen=True)
class File:
    name: str
    width: int
    height: int
    content_type: str


@dataclass(frozen=True)
class Made:
    """Width and height are those of the original as shown."""

    width: int
    height: int
    blurhash: str
    files: tuple[File, ...]


class Sandbox:
    """One file at a time; others wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process = sandbox.Sandbox("post_service.media.child", limits)

    async def make(self, kind: Kind, source: Path, out: Path, focus: Focus) -> Made | Refused:
        """Raises kit.sandbox.SandboxError."""
        answer = await self._process.run(
            {
                "kind": kind.name.lower(),
                "source": str(source),
                "out": str(out),
                "focal_x": focus.x,
                "focal_y": focus.y,
                "wall_seconds": self._limits.wall_seconds,
            }
        )
        if isinstance(answer, Refused):
            return answer
        return Made(answer["width"], answer["height"], answer["blurhash"], tuple(File(*f) for f in answer["files"]))

    async def warm(self) -> None:
        """Starts the process ahead of its first job."""
        await self._process.warm()

    async def close(self) -> None:
        await self._process.close()
