"""Pieces kept in the process: how old they get, how many calls they cost, how much they hold."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from feed_service.model import OPEN, Entry, Mention, Piece, piece
from feed_service.service.fragments import Fragments, Keeping
from kit import deadline
from kit.errors import Internal

AUTHOR, MENTIONED, HIDDEN = 7, 9, 11


class Posts:
    """`held` is a gate that loads wait at; `version` tells one load's answer from another's."""

    def __init__(self) -> None:
        self.calls: list[Sequence[int]] = []
        self.counted: list[Sequence[int]] = []
        self.counts_fail = False
        self.version, self.gone, self.fails = 1, set[int](), False
        self.gate = asyncio.Event()
        self.gate.set()
        self.left: list[float | None] = []

    async def counts(self, ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        self.counted.append(ids)
        await self.gate.wait()
        if self.counts_fail:
            raise Internal("INTERNAL", "no such method")
        return dict.fromkeys(ids, (self.version, 0))

    async def pieces(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        self.calls.append(ids)
        self.left.append(deadline.remaining())
        answer = {one: self._piece(one) for one in ids if one not in self.gone}
        await self.gate.wait()
        if self.fails:
            raise OSError("away")
        return answer

    def _piece(self, post: int) -> Piece:
        mentions = [Mention(MENTIONED, "ann")] if post % 2 else []
        return piece(
            Entry(post, AUTHOR),
            OPEN,
            author=b"{}",
            body=b'"v":%d' % self.version,
            mentions=mentions,
            hidden=[HIDDEN] if mentions else [],
            likes=self.version,
        )


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def posts() -> Posts:
    return Posts()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kept(posts: Posts, clock: Clock, seconds: float = 2, most_bytes: int = 1_000_000) -> Fragments:
    keeping = Keeping(fresh=seconds, lasting=30, most_bytes=most_bytes)
    return Fragments(posts, keeping, clock=clock, spread=lambda low, high: (low + high) / 2)


async def versions(fragments: Fragments, *ids: int) -> dict[int, int]:
    return {post: one.likes for post, one in (await fragments.get(ids)).items()}


async def bodies(fragments: Fragments, *ids: int) -> dict[int, int]:
    """Which load brought what is not counted."""
    found = await fragments.get(ids)
    return {post: int(one.opening.partition(b'"v":')[2].partition(b",")[0]) for post, one in found.items()}


async def settled() -> None:
    """Refreshes wait for one another."""
    await asyncio.sleep(0.1)


async def test_a_fresh_piece_costs_no_call(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    await fragments.get([1, 2])
    clock.at = 1.9

    assert await versions(fragments, 2, 1) == {1: 1, 2: 1}
    assert posts.calls == [[1, 2]]


async def test_a_stale_piece_is_answered_while_many_are_loaded_in_one_call(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    for post in range(1, 6):
        await fragments.get([post])
    posts.calls.clear()
    posts.version, clock.at = 2, 2.0

    for post in range(1, 6):
        assert await versions(fragments, post) == {post: 1}
    await settled()

    assert posts.calls == [[1, 2, 3, 4, 5]]
    assert await versions(fragments, 1, 5) == {1: 2, 5: 2}


async def test_a_piece_of_five_seconds_is_waited_for(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    await fragments.get([1])
    posts.version, clock.at = 2, 5.0

    assert await versions(fragments, 1) == {1: 2}


async def test_its_age_is_that_of_the_question(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    posts.gate.clear()
    slow = asyncio.create_task(versions(fragments, 1))
    await asyncio.sleep(0.01)
    clock.at = 4.9
    posts.gate.set()
    assert await slow == {1: 1}
    posts.version, clock.at = 2, 5.0

    assert await versions(fragments, 1) == {1: 2}


async def test_a_hundred_thousand_who_miss_the_same_post_at_once_make_one_call(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    posts.gate.clear()
    waiting = [asyncio.create_task(fragments.get([1])) for _ in range(50_000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting += [asyncio.create_task(fragments.get([1])) for _ in range(50_000)]
    await asyncio.sleep(0)
    posts.gate.set()

    found = await asyncio.gather(*waiting)

    assert posts.calls == [[1]]
    assert all(one[1].likes == 1 for one in found)


async def test_what_is_missed_in_one_turn_goes_out_together_in_calls_of_200(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)

    await asyncio.gather(*(fragments.get([2 * n, 2 * n + 1]) for n in range(250)))

    assert [len(ids) for ids in posts.calls] == [200, 200, 100]


async def test_what_is_stale_is_loaded_in_calls_so_small_that_pages_do_not_wait_for_them(
    posts: Posts, clock: Clock
) -> None:
    fragments = kept(posts, clock)
    await fragments.get(range(100))
    posts.calls.clear()
    clock.at = 2.0

    await fragments.get(range(100))
    await settled()

    assert [len(ids) for ids in posts.calls] == [32, 32, 32, 4]


async def test_one_who_gives_up_takes_nobody_along_and_no_load_has_a_callers_deadline(
    posts: Posts, clock: Clock
) -> None:
    fragments = kept(posts, clock)
    posts.gate.clear()

    async def hurried() -> Mapping[int, Piece]:
        deadline.start(0.01)
        return await fragments.get([1])

    first, second = asyncio.create_task(hurried()), asyncio.create_task(fragments.get([1]))
    await asyncio.sleep(0.01)
    first.cancel()
    posts.gate.set()

    assert (await second)[1].likes == 1
    assert posts.left[0] is not None
    assert posts.left[0] > 1


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    posts.fails = True
    found = await asyncio.gather(fragments.get([1]), fragments.get([1, 2]), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]

    posts.fails = False
    assert await versions(fragments, 1) == {1: 1}


async def test_a_failed_refresh_leaves_the_old_piece_until_it_is_too_old(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    await fragments.get([1])
    posts.fails, clock.at = True, 3.0

    assert await versions(fragments, 1) == {1: 1}
    await settled()
    assert await versions(fragments, 1) == {1: 1}

    clock.at = 5.0
    with pytest.raises(OSError, match="away"):
        await fragments.get([1])


async def test_a_dropped_piece_is_loaded_anew_even_when_a_load_was_under_way(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    posts.gate.clear()
    early = asyncio.create_task(versions(fragments, 1))
    await asyncio.sleep(0.01)
    posts.version = 2
    fragments.drop(1)
    late = asyncio.create_task(versions(fragments, 1))
    await asyncio.sleep(0.01)
    posts.gate.set()

    assert await early == {1: 1}
    assert await late == {1: 2}
    assert await versions(fragments, 1) == {1: 2}


@pytest.mark.parametrize("account", [AUTHOR, MENTIONED, HIDDEN])
async def test_an_account_that_changes_takes_all_that_shows_it(posts: Posts, clock: Clock, account: int) -> None:
    fragments = kept(posts, clock)
    await fragments.get([1, 2])
    posts.version = 2
    fragments.drop_account(account)

    assert await versions(fragments, 1, 2) == {1: 2, 2: 2 if account == AUTHOR else 1}


async def test_a_load_under_way_while_an_account_changes_is_not_kept(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    posts.gate.clear()
    early = asyncio.create_task(fragments.get([1]))
    await asyncio.sleep(0.01)
    posts.version = 2
    fragments.drop_account(AUTHOR)
    posts.gate.set()
    await early

    assert await versions(fragments, 1) == {1: 2}


async def test_that_a_post_is_gone_is_remembered_too(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    posts.gone.add(1)
    for _ in range(3):
        assert await versions(fragments, 1, 2) == {2: 1}

    assert posts.calls == [[1, 2]]


async def test_only_so_many_bytes_are_kept_and_the_oldest_go_first(posts: Posts, clock: Clock) -> None:
    one = (await posts.pieces([2]))[2].size
    fragments = kept(posts, clock, most_bytes=3 * one)
    for post in (2, 4, 6, 8):
        await fragments.get([post])
    posts.calls.clear()

    await fragments.get([4, 6, 8])
    assert posts.calls == []
    await fragments.get([2])
    assert posts.calls == [[2]]


async def test_nothing_of_what_is_over_is_held(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock)
    for post in range(100):
        clock.at += 1
        await fragments.get([post])

    assert len(fragments) <= 5


async def test_switched_off_every_look_is_a_call_and_those_of_one_turn_share_it(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock, seconds=0)
    await asyncio.gather(fragments.get([1, 2]), fragments.get([2, 3]))
    posts.version = 2

    assert await versions(fragments, 1) == {1: 2}
    assert posts.calls == [[1, 2, 3], [1]]


async def test_switched_off_a_call_that_has_gone_out_is_not_shared(posts: Posts, clock: Clock) -> None:
    fragments = kept(posts, clock, seconds=0)
    posts.gate.clear()
    early = asyncio.create_task(versions(fragments, 1))
    await asyncio.sleep(0.01)
    posts.version = 2
    late = asyncio.create_task(versions(fragments, 1))
    await asyncio.sleep(0.01)
    posts.gate.set()

    assert (await early, await late) == ({1: 1}, {1: 2})


async def lasting(posts: Posts, clock: Clock, *ids: int) -> Fragments:
    """With pieces that were loaded while the watermark moved."""
    fragments = kept(posts, clock)
    fragments.heard_until(clock.at)
    await fragments.get(ids)
    posts.calls.clear()
    posts.version += 1
    return fragments


async def test_while_the_watermark_moves_a_stale_piece_gets_new_counts_alone(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1, 2)
    for second in range(5, 30, 5):
        clock.at = second
        fragments.heard_until(second - 0.5)
        assert await bodies(fragments, 1, 2) == {1: 1, 2: 1}
        await settled()

    assert await versions(fragments, 1, 2) == {1: 2, 2: 2}
    whole = (await fragments.get([1]))[1]
    assert b'"likes":2' in whole.encoded
    assert whole.encoded == whole.without([])
    assert posts.calls == []
    assert posts.counted == [[1, 2]] * 5


async def test_nobody_waits_for_new_counts(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1)
    clock.at = 20.0
    fragments.heard_until(19.5)
    posts.gate.clear()

    assert await versions(fragments, 1) == {1: 1}
    posts.gate.set()
    await settled()
    assert await versions(fragments, 1) == {1: 2}
    assert await bodies(fragments, 1) == {1: 1}
    assert posts.calls == []


async def test_in_the_end_it_is_loaded_whole(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1)
    clock.at = 30.0
    fragments.heard_until(30.0)

    assert await bodies(fragments, 1) == {1: 2}


async def test_while_the_watermark_stands_pieces_are_loaded_whole(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1)
    fragments.heard_until(4.0)
    clock.at = 8.9
    assert await bodies(fragments, 1) == {1: 1}  # what has changed since then is no older than five seconds
    await settled()
    assert posts.calls == [[1]]
    assert posts.counted == []


@pytest.mark.parametrize("age", [5.0, 100.0])
async def test_where_it_has_stood_for_long_reads_wait(posts: Posts, clock: Clock, age: float) -> None:
    fragments = await lasting(posts, clock, 1)
    fragments.heard_until(4.0)
    clock.at = 4.0 + age

    assert await bodies(fragments, 1) == {1: 2}


async def test_new_counts_do_not_make_a_piece_younger_than_the_watermark(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1)
    clock.at = 6.0
    fragments.heard_until(4.0)
    await fragments.get([1])
    await settled()
    assert posts.counted == [[1]]

    clock.at = 8.9
    assert await bodies(fragments, 1) == {1: 1}
    clock.at = 9.0
    assert await bodies(fragments, 1) == {1: 2}


@pytest.mark.parametrize("heard", ["post", "account", "missed"])
async def test_after_a_change_a_piece_is_loaded_whole_for_ten_seconds(posts: Posts, clock: Clock, heard: str) -> None:
    """The copies that it is made from may be late."""
    fragments = await lasting(posts, clock, 1)
    match heard:
        case "post":
            fragments.drop(1)
        case "account":
            fragments.drop_account(MENTIONED)
        case _:
            fragments.clear()
    for second in (0, 3, 6, 9):
        clock.at = second
        fragments.heard_until(second)
        await fragments.get([1])
        await settled()
    assert len(posts.calls) == 4
    assert posts.counted == []

    for second in (12, 17, 22):
        clock.at = second
        fragments.heard_until(second)
        await fragments.get([1])
        await settled()
    assert len(posts.calls) == 5
    assert posts.counted == [[1], [1]]


async def test_a_piece_that_is_dropped_while_it_is_counted_is_loaded_whole(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1, 2)
    clock.at = 5.0
    fragments.heard_until(5.0)
    await fragments.get([1, 2])
    fragments.drop(1)  # before the question for counts goes out
    await settled()
    assert await bodies(fragments, 1, 2) == {1: 2, 2: 1}

    posts.version, clock.at = 3, 10.0
    fragments.heard_until(10.0)
    posts.gate.clear()
    await fragments.get([2])
    await settled()
    fragments.drop(2)  # after that
    posts.gate.set()
    assert await bodies(fragments, 2) == {2: 3}


async def test_where_post_cannot_count_pieces_are_loaded_whole(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1)
    posts.counts_fail, clock.at = True, 5.0
    fragments.heard_until(5.0)
    await fragments.get([1])
    await settled()

    assert await bodies(fragments, 1) == {1: 2}


async def test_that_a_post_is_gone_lasts_no_longer_than_before(posts: Posts, clock: Clock) -> None:
    posts.gone.add(1)
    fragments = await lasting(posts, clock, 1)
    clock.at = 5.0
    fragments.heard_until(5.0)
    await fragments.get([1])

    assert posts.calls == [[1]]
    assert posts.counted == []


async def test_what_lasts_counts_against_the_bytes(posts: Posts, clock: Clock) -> None:
    one = (await posts.pieces([20]))[20].size
    fragments = kept(posts, clock, most_bytes=3 * one)
    fragments.heard_until(0)
    for post in range(20, 40, 2):
        await fragments.get([post])

    assert len(fragments) == 3


async def test_counts_that_come_late_replace_nothing_newer(posts: Posts, clock: Clock) -> None:
    fragments = await lasting(posts, clock, 1)
    clock.at = 5.0
    fragments.heard_until(5.0)
    posts.gate.clear()
    await fragments.get([1])
    await settled()  # the question for counts is under way
    assert posts.counted == [[1]]
    gate, posts.gate = posts.gate, asyncio.Event()
    posts.gate.set()

    clock.at = 10.0  # the watermark stands
    assert await bodies(fragments, 1) == {1: 2}
    gate.set()
    await settled()

    assert await bodies(fragments, 1) == {1: 2}


async def test_counts_of_a_piece_that_had_to_go_meanwhile_bring_it_back_for_nobody_else(
    posts: Posts, clock: Clock
) -> None:
    one = (await posts.pieces([2]))[2].size
    fragments = kept(posts, clock, most_bytes=one)
    fragments.heard_until(0)
    await fragments.get([2])
    posts.version, clock.at = 2, 5.0
    fragments.heard_until(5.0)
    posts.gate.clear()
    await fragments.get([2])
    await settled()
    assert posts.counted == [[2]]
    gate, posts.gate = posts.gate, asyncio.Event()
    posts.gate.set()
    await fragments.get([4])  # there is room for one
    gate.set()
    await settled()

    assert await bodies(fragments, 2) == {2: 2}


async def test_where_nothing_lasts_the_watermark_changes_nothing(posts: Posts, clock: Clock) -> None:
    keeping = Keeping(fresh=2, lasting=0, most_bytes=1_000_000)
    fragments = Fragments(posts, keeping, clock=clock, spread=lambda low, high: (low + high) / 2)
    for second in (0, 2, 4, 9):
        clock.at = second
        fragments.heard_until(second)
        await fragments.get([1])
        await settled()

    assert posts.calls == [[1]] * 4
    assert posts.counted == []
