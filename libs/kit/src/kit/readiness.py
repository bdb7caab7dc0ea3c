"""Whether a process should get calls: what /readyz, the gRPC health service and a metric show."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from kit import log, metrics

Check = Callable[[], Awaitable[None]]

_STRIKES = 2

logger = log.get(__name__)


class Readiness:
    """Runs `checks`, each for at most `timeout` seconds. Ready from the first time that all pass until they fail twice
    in a row (a single slow answer is no outage) or until `close`. `on_change` hears of every change."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        on_change: Callable[[bool], Awaitable[None]] | None = None,
        *,
        timeout: float = 1.0,
        interval: float = 5.0,
    ) -> None:
        self._checks, self._on_change, self._timeout, self._interval = dict(checks), on_change, timeout, interval
        self._ready, self._closing, self._strikes = False, False, 0
        self._failing: Mapping[str, str] = {}

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def failing(self) -> Mapping[str, str]:
        """The checks that failed last, with the class of their error."""
        return self._failing

    async def probe(self) -> bool:
        """Runs all checks now. Answers whether the process is ready."""
        outcomes = await asyncio.gather(*(self._run(check) for check in self._checks.values()))
        self._note({name: fault for name, fault in zip(self._checks, outcomes, strict=True) if fault})
        self._strikes = self._strikes + 1 if self._failing else 0
        if not self._closing:
            await self._turn(not self._failing or (self._ready and self._strikes < _STRIKES))
        return self._ready

    async def watch(self) -> None:
        """Probes for ever: often while not ready, every `interval` seconds after."""
        while True:
            await self.probe()
            await asyncio.sleep(self._interval if self._ready else self._interval / 5)

    async def close(self) -> None:
        """Not ready from now on, whatever the checks say."""
        self._closing = True
        await self._turn(ready=False)

    async def _run(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                await check()
        except Exception as error:  # noqa: BLE001 a check may raise whatever its driver raises
            return type(error).__name__
        return None

    def _note(self, failing: Mapping[str, str]) -> None:
        for name in self._checks:
            metrics.CHECK_FAILING.labels(name).set(name in failing)
        if failing != self._failing:
            logger.warning("checks changed", failing=dict(failing))
        self._failing = failing

    async def _turn(self, ready: bool) -> None:
        metrics.READY.set(ready)
        if ready is self._ready:
            return
        self._ready = ready
        logger.info("ready" if ready else "not ready", failing=dict(self._failing))
        if self._on_change:
            await self._on_change(ready)
