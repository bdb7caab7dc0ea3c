"""Rows that converge, on the real servers."""

from datetime import UTC, datetime, timedelta

from kit.ids import first_at
from notify_service.model import Entry, Member, Pointer, day_of, likes_of
from notify_service.store.inboxes import InboxStore
from notify_service.store.markers import MarkerStore

ME, ACTOR = 1, 11
GROUP = likes_of(500)
NOW = datetime.now(UTC).replace(microsecond=0)


def liked(minutes: int = 0, actor: int = ACTOR) -> Entry:
    at = NOW + timedelta(minutes=minutes)
    return Entry(ME, GROUP, actor, first_at(at), at)


async def members(inboxes: InboxStore) -> list[Member]:
    return (await inboxes.members(ME, [GROUP.key]))[0]


async def test_what_is_put_is_found_by_day_and_group(inboxes: InboxStore):
    entry = liked()
    await inboxes.put(entry)
    day = day_of(entry.event_id)
    assert await inboxes.days(ME, None) == [day]
    assert await inboxes.pointers(ME, day) == [Pointer(entry.event_id, GROUP.key)]
    assert await members(inboxes) == [Member(ACTOR, entry.event_id)]


async def test_repeating_changes_nothing(inboxes: InboxStore):
    for _ in range(3):
        await inboxes.put(liked())
    assert len(await members(inboxes)) == 1


async def test_an_older_event_that_comes_late_does_not_move_a_group_back(inboxes: InboxStore):
    newer, older = liked(minutes=5), liked(minutes=1)
    await inboxes.put(newer)
    await inboxes.put(older)
    assert await members(inboxes) == [Member(ACTOR, newer.event_id)]
    pointers = await inboxes.pointers(ME, day_of(newer.event_id))
    assert pointers[0].event_id == newer.event_id


async def test_what_was_taken_back_stays_away_whichever_is_heard_first(inboxes: InboxStore):
    entry = liked()
    undone = entry.at + timedelta(minutes=1)
    await inboxes.put(entry)
    await inboxes.drop(ME, GROUP.key, ACTOR, undone)
    assert await members(inboxes) == []
    await inboxes.put(entry)
    assert await members(inboxes) == []
    again = liked(minutes=2)
    await inboxes.put(again)
    assert await members(inboxes) == [Member(ACTOR, again.event_id)]


async def test_days_come_newest_first_and_from_where_a_page_ended(inboxes: InboxStore):
    entries = [liked(minutes=-24 * 60 * days) for days in range(3)]
    for entry in entries:
        await inboxes.put(entry)
    days = [day_of(entry.event_id) for entry in entries]
    assert await inboxes.days(ME, None) == days
    assert await inboxes.days(ME, days[1]) == days[1:]


async def test_what_was_read_never_becomes_unread(markers: MarkerStore):
    assert await markers.read_up_to(ME) == 0
    await markers.mark(ME, 50)
    await markers.mark(ME, 20)
    assert await markers.read_up_to(ME) == 50
