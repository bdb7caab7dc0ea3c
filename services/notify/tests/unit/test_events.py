"""What inboxes learn from events, and when."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from heliograph.events.v1.post_events_pb2 import PostPublished, PostSnapshot
from kit.consumer import Delivery
from kit.ids import first_at
from kit.proto import timestamp
from notify_service.events import post_handlers
from notify_service.model import Entry, Member, Pointer, Wishes
from notify_service.service.notifications import InboxService

ADA, BEN = 11, 12
MADE = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Inboxes:
    """Notes what is put."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def put(self, entry: Entry) -> None:
        self.entries.append(entry)

    async def drop(self, recipient_id: int, group_key: str, actor_id: int, at: datetime) -> None:
        raise NotImplementedError

    async def days(self, user_id: int, up_to: date | None) -> list[date]:
        raise NotImplementedError

    async def pointers(self, user_id: int, day: date) -> list[Pointer]:
        raise NotImplementedError

    async def members(self, user_id: int, group_keys: object) -> list[list[Member]]:
        raise NotImplementedError


class Everything:
    """What everybody wants to hear of."""

    async def wishes(self, ids: Sequence[int]) -> Mapping[int, Wishes]:
        return {}

    async def followed(self, user_id: int, ids: Sequence[int]) -> Collection[int]:
        raise NotImplementedError


async def test_a_mention_counts_from_when_its_post_was_published_not_from_when_it_was_made():
    inboxes = Inboxes()
    post = PostSnapshot(post_id=first_at(MADE), author_id=ADA, mentioned_ids=[BEN], created_at=timestamp(MADE))
    published_at = MADE + timedelta(minutes=5)  # when its film was ready
    delivery = Delivery("post.v1", 0, 0, "", "", "", published_at, b"")
    read_meanwhile = first_at(MADE + timedelta(minutes=4))
    for _ in range(2):
        await post_handlers(InboxService(inboxes, Everything()))["post_published"](PostPublished(post=post), delivery)
    first, again = inboxes.entries
    assert first == again
    assert first.event_id > read_meanwhile
