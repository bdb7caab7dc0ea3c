"""Until when all changes are known to have been heard."""

import asyncio
from collections.abc import Awaitable, Callable

from kit import deadline, log
from kit.errors import from_exception
from prometheus_client import Gauge

WATERMARK_AGE = Gauge("heliograph_feed_watermark_age_seconds", "Age of the last change that may have passed unheard")

_SECONDS = 2.0  # a look that takes longer says nothing of use
_PAUSE = 1.0

logger = log.get(__name__)


class Watermark:
    """Looks once a second: at first, whether `published` says that Kafka has the events of all that was committed; then
    whether the process has `heard` all that Kafka has. `moved(t)` is told when that look began: of what changed before,
    nothing is unheard. A fresh look needs no clock but this process' own."""

    def __init__(
        self,
        published: Callable[[], Awaitable[None]],
        heard: Callable[[], Awaitable[None]],
        moved: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._published, self._heard, self._moved, self._clock = published, heard, moved, clock
        self._at, self._reason = clock(), ""
        WATERMARK_AGE.set_function(lambda: self._clock() - self._at)

    async def run(self) -> None:
        """Until cancelled. While it cannot be known the watermark stands still."""
        while True:
            await self._look()
            await asyncio.sleep(_PAUSE)

    async def _look(self) -> None:
        begun = self._clock()
        deadline.renew(_SECONDS)
        try:
            async with asyncio.timeout(_SECONDS):
                await self._published()
                await self._heard()
        except Exception as error:
            known = from_exception(error)
            if known is None and not isinstance(error, TimeoutError):
                raise
            self._stand(known.reason if known else "NOT_IN_TIME")
        else:
            self._at, self._reason = begun, ""
            self._moved(begun)

    def _stand(self, reason: str) -> None:
        if reason != self._reason:
            logger.warning("the watermark stands", reason=reason)
        self._reason = reason
