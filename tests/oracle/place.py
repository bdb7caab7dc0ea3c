"""Where plays take place: one whole system, which all of them share."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx
from devstack.testing import Stack
from heliograph.upkeep.v1.upkeep_pb2 import RebuildRequest
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceStub
from kit.client import channel
from oracle.disturbances import Disturbances
from support.administration import make_admin
from support.rest import Person, join

T = TypeVar("T")


class Place:
    """What all plays share: the system, an operator, and one event loop."""

    def __init__(self, stack: Stack, runner: asyncio.Runner) -> None:
        self.stack, self.runner = stack, runner
        self.http = httpx.AsyncClient(base_url=stack.url, timeout=30)
        self.disturbances = Disturbances(stack, _kafka())
        self.taken = Counter[str]()
        self.admin: Person = self.run(self._make_admin())

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    async def _make_admin(self) -> Person:
        return await make_admin(self.stack, await join(self.http, "operator"))

    async def rebuild(self, user_id: int) -> None:
        """As `helio feed rebuild` does."""
        async with channel(self.stack.address("feed"), service="feed", seconds=30) as feed:
            await UpkeepServiceStub(feed).Rebuild(RebuildRequest(view="timeline", user_id=user_id))


def fanout_settings(threshold: int) -> dict[str, str]:
    return {"HELIOGRAPH_FANOUT_THRESHOLD": str(threshold), "HELIOGRAPH_WARM_CAP": "10"}


def _kafka() -> str:
    servers = json.loads(Path(os.environ["HELIOGRAPH_TEST_SERVERS"]).read_text())
    return servers["HELIOGRAPH_KAFKA_BOOTSTRAP"]
