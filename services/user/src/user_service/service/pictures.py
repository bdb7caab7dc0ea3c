"""The making of avatars, in a process that may die."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.sandbox import Limits, Refused, Sandbox

from user_service.model.avatars import Focus


@dataclass(frozen=True)
class File:
    name: str
    content_type: str


class Pictures:
    """One at a time; others wait."""

    def __init__(self, limits: Limits) -> None:
        self._sandbox = Sandbox("user_service.pictures", limits)

    async def make(self, source: Path, out: Path, focus: Focus) -> Sequence[File] | Refused:
        """Writes the avatar's files to `out`. Raises kit.sandbox.SandboxError."""
        answer = await self._sandbox.run(
            {"source": str(source), "out": str(out), "focal_x": focus.x, "focal_y": focus.y}
        )
        if isinstance(answer, Refused):
            return answer
        return [File(name, content_type) for name, _, _, content_type in answer["files"]]

    async def stand_by(self) -> None:
        """A task: starts the process, so that the first picture need not wait for it."""
        await self._sandbox.warm()
        await asyncio.Event().wait()

    async def close(self) -> None:
        await self._sandbox.close()
