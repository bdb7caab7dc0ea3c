"""The small Heliograph whose stores answer after a random number of turns of the loop, and whose clock moves meanwhile:
what several processes do at once meets in every order, the same for the same seed."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from feed_service.model import Lane
from feed_service.service.fanout import Push
from feed_service.service.follows import Follows
from feed_service.service.rebuild import Rebuild

from services.feed.tests.world import World

_TURNS = 6
_SECONDS = 40


@dataclass
class Races(World):
    random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("home", "authors", "marks", "idle", "states", "warm", "graph", "posts", "views"):
            setattr(self, name, Slow(getattr(self, name), self._pause))
        now = self.clock.now
        self.rebuild = Rebuild(self.home, self.warm, self.idle, self.marks, self.posts, self.graph, now=now)
        self.follows = Follows(self.home, self.warm, self.authors, self.marks, self.tasks, now=now)
        self.push = Push(Lane.SMALL, self.home, self.warm, self.idle, self.erased, self.tasks, now=now)

    async def sweep_until(self, over: Callable[[], bool]) -> None:
        """Everybody becomes idle, again and again."""
        while not over():
            await self.sweep(days=0)

    async def read_until(self, over: Callable[[], bool], viewer_id: int, pushed: list[int]) -> None:
        """Fails when a read lacks what had been pushed to everybody before it began."""
        while not over():
            before = list(pushed)
            found = await self.read(viewer_id)
            assert set(before) <= set(found)
            assert found == sorted(found, reverse=True)
            if self.random.random() < 0.3:
                await self.warm.drop(viewer_id)

    async def publish_some(self, author_id: int, pushed: list[int]) -> None:
        for _ in range(8):
            pushed.append(await self.publish(author_id))  # noqa: PERF401 readers look at it meanwhile

    async def cross_to_and_fro(self) -> None:
        for threshold in (1, 100) * 3:
            self.threshold = threshold
            self.clock.tick(timedelta(hours=2))
            await self.review()
            await self.hear_backfills()

    async def _pause(self) -> None:
        for _ in range(self.random.randrange(_TURNS)):
            await asyncio.sleep(0)
        if self.random.random() < 0.1:
            self.clock.tick(timedelta(seconds=self.random.randrange(_SECONDS)))


class Slow:
    """Pauses before and after each call of what it stands for."""

    def __init__(self, real: Any, pause: Callable[[], Any]) -> None:
        self.__dict__.update(_real=real, _pause=pause)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def slowly(*args: Any, **named: Any) -> Any:
            await self._pause()
            try:
                return await found(*args, **named)
            finally:
                await self._pause()

        return slowly

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)
