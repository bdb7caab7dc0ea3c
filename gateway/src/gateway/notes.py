"""What the feed service is told before a change is answered, so that whoever made it sees it in the next read.

Events tell the same, for certain and a little later: a note that is lost costs nothing but that moment.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from heliograph.feed.v1.feed_pb2 import (
    Liked,
    NoteChangeRequest,
    NoteChangeResponse,
    PostChanged,
    Posted,
    RelationsChanged,
)
from kit import deadline, log
from kit.breaker import Breaker
from kit.errors import DomainError
from prometheus_client import Counter

_SECONDS = 0.24  # less than kit.client holds against a callee: reads share its breaker
_LEFT_SECONDS = 0.1  # of the request's time, for its answer
_LEAST_SECONDS = 0.05
_FAILURES, _REST_SECONDS, _LONGEST_REST_SECONDS = 2, 1.0, 5.0

NOTES = Counter("heliograph_gateway_notes_total", "Changes that the feed service was to be told of", ["outcome"])

logger = log.get(__name__)


class Call(Protocol):
    def __call__(self, request: NoteChangeRequest, *, timeout: float) -> Awaitable[NoteChangeResponse]: ...


class Notes:
    """Never fails and takes a quarter of a second at most; no time at all once the feed service is known to be away,
    but for one try every few seconds."""

    def __init__(self, call: Call, clock: Callable[[], float] = time.monotonic) -> None:
        self._call, self._away = call, False
        self._breaker = Breaker(clock, limit=_FAILURES, rest=_REST_SECONDS, longest_rest=_LONGEST_REST_SECONDS)

    async def relations(self, *user_ids: int) -> None:
        """What these accounts follow, block, mute or may see has changed."""
        await self._tell(NoteChangeRequest(relations_changed=RelationsChanged(user_ids=user_ids)))

    async def liked(self, user_id: int, post_id: int, change_id: int, *, liked: bool) -> None:
        """Nothing is told of a change that changed nothing: it has no id."""
        if change_id:
            change = Liked(user_id=user_id, post_id=post_id, liked=liked, change_id=change_id)
            await self._tell(NoteChangeRequest(liked=change))

    async def posted(self, author_id: int, post_id: int) -> None:
        await self._tell(NoteChangeRequest(posted=Posted(author_id=author_id, post_id=post_id)))

    async def post_changed(self, post_id: int) -> None:
        """Edited or deleted."""
        await self._tell(NoteChangeRequest(post_changed=PostChanged(post_id=post_id)))

    async def _tell(self, change: NoteChangeRequest) -> None:
        left = deadline.remaining()
        seconds = _SECONDS if left is None else min(_SECONDS, left - _LEFT_SECONDS)
        if seconds < _LEAST_SECONDS or not self._breaker.admit():
            NOTES.labels("skipped").inc()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._call(change, timeout=seconds)
        except (DomainError, TimeoutError) as error:
            self._breaker.failed()
            self._ended("failed", reason=error.reason if isinstance(error, DomainError) else "DEADLINE_EXCEEDED")
        except BaseException:
            self._breaker.dropped()
            raise
        else:
            self._breaker.succeeded()
            self._ended("told")

    def _ended(self, outcome: str, reason: str = "") -> None:
        """One line when an outage begins and one when it is over."""
        NOTES.labels(outcome).inc()
        if bool(reason) != self._away:
            self._away = bool(reason)
            logger.warning("the feed cannot be told of changes" if reason else "the feed hears again", reason=reason)
