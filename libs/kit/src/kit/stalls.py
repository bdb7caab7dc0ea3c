"""Whether a consumer still gets what its partitions have."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from kit.errors import Unavailable

_ASK_SECONDS = 5.0
_STALLED_SECONDS = 30.0

Arrived = Mapping[TopicPartition, int | None]


class Stalls:
    """aiokafka's fetcher ends without a word when something that it waits for is cancelled. The membership stays, no
    record comes any more, and the high-water marks, which come with records, stand still too. So the broker is asked.

    `ends` are the offsets after the partitions' last records, as the broker said last.
    """

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._behind: dict[tuple[TopicPartition, int], float] = {}
        self.ends: Mapping[TopicPartition, int] = {}

    async def look(self, arrived: Arrived) -> None:
        """`arrived`: the offset after the last record that came, None when none came since the partition was assigned.
        Raises Unavailable KAFKA_STALLED when the broker has had more for half a minute, of which nothing came. Knows
        nothing while the broker does not answer."""
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                expected = await self._expected(arrived)
        except (KafkaError, TimeoutError):
            self._behind = {}
            return
        now = self._clock()
        behind = {(place, offset) for place, offset in expected.items() if self.ends[place] > offset}
        self._behind = {one: self._behind.get(one, now) for one in behind}
        if any(now - since >= _STALLED_SECONDS for since in self._behind.values()):
            raise stalled("the broker has records that do not arrive")

    async def _expected(self, arrived: Arrived) -> Mapping[TopicPartition, int]:
        """Where the next record of each partition is to come from, if there is one."""
        places = list(arrived)
        if not places:
            return {}
        self.ends = await self._client.end_offsets(places)
        begins: Mapping[TopicPartition, int] = await self._client.beginning_offsets(places)
        fetched = {place: await self._client.committed(place) if at is None else at for place, at in arrived.items()}
        return {place: max(fetched[place] or 0, begins[place]) for place in places}


def stalled(why: str) -> Unavailable:
    return Unavailable("KAFKA_STALLED", why, retry_after=1)
