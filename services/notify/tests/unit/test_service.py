"""Inboxes and what is shown of them, without a network."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from kit.ids import first_at
from notify_service.model import (
    CommentMade,
    Entry,
    Group,
    Kind,
    Member,
    NotifyOf,
    Pointer,
    Wishes,
    day_of,
    entries_of_comment,
    follow_by,
    group_of,
    likes_of,
    pointer_of,
)
from notify_service.service.notifications import InboxService, NotifyService

ME = 1
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


Rows = dict[tuple[int, str, int], tuple[datetime, int | None]]


class Found(defaultdict[tuple[int, date], dict[str, int]]):
    """Group keys and newest event ids, by user and day."""

    def __init__(self) -> None:
        super().__init__(dict)


@dataclass
class FakeInboxes:
    """As the real store: the later of two writes to a row wins, whichever comes first."""

    rows: Rows = field(default_factory=Rows)
    found: dict[tuple[int, date], dict[str, int]] = field(default_factory=Found)

    async def put(self, entry: Entry) -> None:
        self._write((entry.recipient_id, entry.group.key, entry.actor_id), entry.at, entry.event_id)
        day = self.found[(entry.recipient_id, day_of(entry.event_id))]
        day[entry.group.key] = max(day.get(entry.group.key, 0), entry.event_id)

    async def drop(self, recipient_id: int, group_key: str, actor_id: int, at: datetime) -> None:
        self._write((recipient_id, group_key, actor_id), at, None)

    async def days(self, user_id: int, up_to: date | None) -> list[date]:
        mine = {day for user, day in self.found if user == user_id and (up_to is None or day <= up_to)}
        return sorted(mine, reverse=True)

    async def pointers(self, user_id: int, day: date) -> list[Pointer]:
        pointers = [Pointer(event_id, key) for key, event_id in self.found[(user_id, day)].items()]
        return sorted(pointers, key=lambda pointer: pointer.place, reverse=True)

    async def members(self, user_id: int, group_keys: Sequence[str]) -> list[list[Member]]:
        return [
            [
                Member(actor, id_)
                for (user, k, actor), (_, id_) in self.rows.items()
                if id_ and (user, k) == (user_id, key)
            ]
            for key in group_keys
        ]

    def _write(self, row: tuple[int, str, int], at: datetime, event_id: int | None) -> None:
        if row not in self.rows or self.rows[row][0] <= at:
            self.rows[row] = (at, event_id)


@dataclass
class FakeMarkers:
    marks: dict[int, int] = field(default_factory=dict[int, int])

    async def read_up_to(self, user_id: int) -> int:
        return self.marks.get(user_id, 0)

    async def mark(self, user_id: int, up_to_id: int) -> None:
        self.marks[user_id] = max(up_to_id, self.marks.get(user_id, 0))


@dataclass
class FakePeers:
    hidden: set[int] = field(default_factory=set[int])

    async def people(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, int]:
        return self._shown(ids)

    async def posts(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, int]:
        return self._shown(ids)

    async def comments(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, int]:
        return self._shown(ids)

    def _shown(self, ids: Sequence[int]) -> Mapping[int, int]:
        return {id_: id_ for id_ in ids if id_ not in self.hidden}


@dataclass
class FakeWishes:
    wanted: dict[int, Wishes] = field(default_factory=dict[int, Wishes])
    follows: set[int] = field(default_factory=set[int])
    asked: list[int] = field(default_factory=list[int])

    async def wishes(self, ids: Sequence[int]) -> Mapping[int, Wishes]:
        return {id_: self.wanted[id_] for id_ in ids if id_ in self.wanted}

    async def followed(self, user_id: int, ids: Sequence[int]) -> Collection[int]:
        self.asked += ids
        return self.follows & set(ids)


class World:
    def __init__(self) -> None:
        self.peers = FakePeers()
        inboxes = FakeInboxes()
        self.wishes = FakeWishes()
        self.inbox = InboxService(inboxes, self.wishes)
        self.notify = NotifyService(inboxes, FakeMarkers(), self.peers, self.peers)

    async def happened(self, group: Group, actor_id: int, minutes: int = 0) -> None:
        at = START + timedelta(minutes=minutes)
        await self.inbox.deliver([Entry(ME, group, actor_id, first_at(at), at)])

    async def undone(self, group: Group, actor_id: int, minutes: int) -> None:
        await self.inbox.withdraw(ME, [group], actor_id, START + timedelta(minutes=minutes))

    async def shown(self) -> list[tuple[Kind, list[int], int]]:
        page = await self.notify.notifications(ME, 100, "")
        return [(item.group.kind, list(item.actors), item.others) for item in page.items]


@pytest.fixture
def world() -> World:
    return World()


async def test_likes_of_one_post_are_one_notification_newest_actors_first(world: World):
    for actor in (11, 12, 13, 14, 15):
        await world.happened(likes_of(500), actor, minutes=actor)
    assert await world.shown() == [(Kind.LIKE, [15, 14, 13], 2)]


async def test_follows_stand_alone(world: World):
    await world.happened(follow_by(11), 11, minutes=1)
    await world.happened(follow_by(12), 12, minutes=2)
    assert await world.shown() == [(Kind.FOLLOW, [12], 0), (Kind.FOLLOW, [11], 0)]


async def test_nobody_hears_of_what_they_did_themself(world: World):
    await world.happened(likes_of(500), ME)
    assert await world.shown() == []


async def test_an_event_that_comes_twice_shows_once(world: World):
    await world.happened(likes_of(500), 11)
    await world.happened(likes_of(500), 11)
    assert await world.shown() == [(Kind.LIKE, [11], 0)]


@pytest.mark.parametrize("undone_first", [False, True])
async def test_a_like_taken_back_is_gone_in_whichever_order_the_two_arrive(world: World, undone_first: bool):
    if undone_first:
        await world.undone(likes_of(500), 11, minutes=5)
    await world.happened(likes_of(500), 11, minutes=1)
    if not undone_first:
        await world.undone(likes_of(500), 11, minutes=5)
    assert await world.shown() == []


async def test_a_group_moves_to_the_day_of_its_newest_member_and_back_when_that_one_leaves(world: World):
    await world.happened(likes_of(500), 11)
    await world.happened(follow_by(12), 12, minutes=60)
    await world.happened(likes_of(500), 13, minutes=3 * 24 * 60)
    assert [kind for kind, _, _ in await world.shown()] == [Kind.LIKE, Kind.FOLLOW]
    await world.undone(likes_of(500), 13, minutes=4 * 24 * 60)
    assert await world.shown() == [(Kind.FOLLOW, [12], 0), (Kind.LIKE, [11], 0)]


async def test_a_subject_that_may_no_longer_be_seen_takes_its_notification_along(world: World):
    await world.happened(likes_of(500), 11)
    world.peers.hidden.add(500)
    assert await world.shown() == []


async def test_a_blocked_actor_is_left_out_and_not_counted(world: World):
    await world.happened(likes_of(500), 11, minutes=1)
    await world.happened(likes_of(500), 12, minutes=2)
    world.peers.hidden.add(12)
    assert await world.shown() == [(Kind.LIKE, [11], 0)]


async def test_reading_up_to_an_id_leaves_the_newer_ones_unread(world: World):
    await world.happened(follow_by(11), 11, minutes=1)
    await world.happened(follow_by(12), 12, minutes=2)
    assert await world.notify.unread(ME) == 2
    oldest = (await world.notify.notifications(ME, 10, "")).items[-1]
    await world.notify.mark_read(ME, oldest.id)
    assert await world.notify.unread(ME) == 1
    assert [item.read for item in (await world.notify.notifications(ME, 10, "")).items] == [False, True]


async def test_an_id_of_the_future_does_not_mark_what_is_yet_to_come(world: World):
    await world.notify.mark_read(ME, 2**63 - 1)
    await world.happened(follow_by(11), 11, minutes=1)
    assert await world.notify.unread(ME) == 1
    await world.notify.mark_read(ME, 2**63 - 1)
    assert await world.notify.unread(ME) == 0
    await world.happened(follow_by(12), 12, minutes=60 * 24 * 3)
    assert await world.notify.unread(ME) == 1


@given(
    actors=st.lists(st.tuples(st.integers(2, 40), st.integers(0, 5000)), max_size=40, unique_by=lambda pair: pair[0]),
    hidden=st.sets(st.integers(2, 40)),
    size=st.integers(1, 7),
)
async def test_pages_hold_every_notification_once_and_are_short_only_at_the_end(
    actors: list[tuple[int, int]], hidden: set[int], size: int
):
    world = World()
    world.peers.hidden = hidden
    for actor, minutes in actors:
        await world.happened(follow_by(actor), actor, minutes)
    seen: list[int] = []
    token = ""
    while True:
        page = await world.notify.notifications(ME, size, token)
        seen += [item.group.subject_id for item in page.items]
        token = page.next_token
        if not token:
            break
        assert len(page.items) == size
    assert sorted(seen) == sorted(actor for actor, _ in actors if actor not in hidden)


def comment(author: int, *, post_author: int = 1, answers: int = 0, mentions: Sequence[int] = ()) -> CommentMade:
    return CommentMade(900, 500, post_author, author, answers, mentions, START)


def kinds(made: CommentMade) -> dict[int, Kind]:
    return {entry.recipient_id: entry.group.kind for entry in entries_of_comment(made)}


def test_a_comment_reaches_the_posts_author_whom_it_answers_and_whom_it_mentions():
    assert kinds(comment(2, answers=3, mentions=[4])) == {1: Kind.COMMENT, 3: Kind.REPLY, 4: Kind.MENTION}


def test_each_hears_of_a_comment_once_and_its_author_never():
    assert kinds(comment(1, answers=3, mentions=[3, 1])) == {3: Kind.REPLY}
    assert kinds(comment(2, answers=1, mentions=[1])) == {1: Kind.REPLY}


def test_a_key_names_its_group():
    assert group_of(likes_of(500).key) == likes_of(500)


@pytest.mark.parametrize("token", ["x", "1|x", "|", "1|9:1:1:1", f"{2**70}|2:5:5:0"])
def test_a_token_of_something_else_is_refused(token: str):
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        pointer_of(token)


async def test_what_somebody_does_not_want_to_hear_of_leaves_no_row_and_no_count(world: World):
    world.wishes.wanted[ME] = {Kind.LIKE: NotifyOf.NOBODY}
    await world.happened(likes_of(500), 11, minutes=1)
    await world.happened(follow_by(12), 12, minutes=2)
    assert await world.shown() == [(Kind.FOLLOW, [12], 0)]
    assert await world.notify.unread(ME) == 1
    world.wishes.wanted[ME] = {}
    assert await world.shown() == [(Kind.FOLLOW, [12], 0)], "it is gone for good"


async def test_whoever_wants_to_hear_of_friends_alone_hears_of_whom_they_follow(world: World):
    world.wishes.wanted[ME] = {Kind.LIKE: NotifyOf.FOLLOWING}
    world.wishes.follows = {12}
    for actor in (11, 12, 13):
        await world.happened(likes_of(500), actor, minutes=actor)
    assert await world.shown() == [(Kind.LIKE, [12], 0)]
    assert world.wishes.asked == [11, 12, 13]


async def test_nobody_is_asked_whom_they_follow_without_need(world: World):
    world.wishes.wanted[ME] = {Kind.COMMENT: NotifyOf.FOLLOWING}
    await world.happened(likes_of(500), 11)
    assert world.wishes.asked == []
    assert len(await world.shown()) == 1
