"""Hearing events without a group: every process hears all of them, from the moment it began to listen.

For what a process keeps in memory. Nothing is heard twice for certain, and nothing for certain at all: while Kafka is
away, or before the process listens, events pass unheard. So what is kept must end by itself too.
"""

import asyncio
from collections.abc import Callable, Sequence, Set
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import Counter, Gauge

from kit import log
from kit.brokers import reached
from kit.delivery import Delivery, Handle, Undecodable, delivery_of
from kit.errors import Unavailable
from kit.kafka import bare_name, full_name
from kit.outage import outlast
from kit.settings import KafkaSettings

HEARD = Counter("heliograph_events_heard_total", "Events heard without a group", ["topic"])
LISTENING = Gauge("heliograph_listening", "1 while events are heard as they come")

_POLL_MS = 1000
_LOOK_SECONDS = 0.01
_METADATA_MS = 3000  # how soon a topic or partition that did not exist at the start is found

logger = log.get(__name__)


class Listener:
    """Hands every event of `topics` (bare names) to `handle`, in the order of its key. `missed` is called whenever
    events may have passed unheard: each time it begins to listen, and for what cannot be decoded.

    `handle` should do nothing that can fail: an error of its own ends the listening, which then begins anew.
    """

    def __init__(
        self, settings: KafkaSettings, *, topics: Sequence[str], handle: Handle, missed: Callable[[], None]
    ) -> None:
        self._settings, self._handle, self._missed = settings, handle, missed
        self._topics = [full_name(topic, settings.topic_prefix) for topic in topics]
        self._client: Any = None
        self._handled: dict[TopicPartition, int] = {}  # the offset after what was handled last

    async def run(self) -> None:
        """Listens until cancelled. Starts when Kafka is down or a topic is missing."""
        await outlast(self._listen, what="listener")

    async def heard(self) -> None:
        """Returns once all that Kafka has at the time of the call was handled, or passed unheard and `missed` was
        called since. Raises Unavailable NOT_LISTENING, and what Kafka raises; waits while nothing comes.

        What is in a partition that was added within the last seconds is not known here.
        """
        client, handled = self._client, dict(self._handled)
        if client is None:
            raise Unavailable("NOT_LISTENING", "events are not heard", retry_after=1)
        ends: dict[TopicPartition, int] = await client.end_offsets(list(handled))
        if any(ends[place] < offset for place, offset in handled.items()):
            self._missed()  # the topic was made anew, or cut by a leader that did not have all
            raise Unavailable("NOT_LISTENING", "events are gone", retry_after=1)
        while any(self._handled.get(place, 0) < end for place, end in ends.items()):  # noqa: ASYNC110 many may come
            await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        client: Any = AIOKafkaConsumer(
            *self._topics,
            **reached(self._settings),
            group_id=None,
            auto_offset_reset="latest",
            metadata_max_age_ms=_METADATA_MS,
        )
        try:
            await client.start()
            while True:
                self._client = None
                places = client.assignment()
                self._handled = {place: await client.position(place) for place in places}
                self._client = client  # from here on nothing passes unheard
                self._missed()
                LISTENING.set(1)
                await self._hear(client, places)
        finally:
            LISTENING.set(0)
            self._client, self._handled = None, {}
            await client.stop()

    async def _hear(self, client: Any, places: Set[TopicPartition]) -> None:
        """Until there are other partitions: then the client begins anew in all of them."""
        while client.assignment() == places:
            fetched = await client.getmany(timeout_ms=_POLL_MS)
            for place, records in fetched.items():
                topic = bare_name(place.topic, self._settings.topic_prefix)
                HEARD.labels(topic).inc(len(records))
                if records and records[0].offset != self._handled.get(place):
                    self._missed()  # of a partition that was just added, or the broker no longer had what came next
                for record in records:
                    await self._tell(delivery_of(record, topic))
                    self._handled[place] = record.offset + 1

    async def _tell(self, delivery: Delivery) -> None:
        try:
            await self._handle(delivery)
        except Undecodable as error:
            logger.warning("passed over", topic=delivery.topic, error=repr(error))
            self._missed()
