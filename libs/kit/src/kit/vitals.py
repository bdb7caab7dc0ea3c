"""What a process shows of itself: what it is, and how late its event loop is."""

import asyncio
from importlib.metadata import version

from kit import metrics
from kit.settings import ProcessSettings

_PERIOD = 0.5


def show_build(settings: ProcessSettings, process: str) -> None:
    metrics.BUILD.labels(process, version("heliograph-kit"), settings.revision).set(1)


async def watch_loop() -> None:
    """A task. A loop that something blocks comes late to every request; how late is looked at twice a second."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _PERIOD
        await asyncio.sleep(_PERIOD)
        metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))
