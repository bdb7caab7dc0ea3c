"""Pieces kept in the process: how old they get, how many calls they cost, how much they hold."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from feed_service.model import OPEN, Entry, Mention, Piece, piece
from feed_service.service.fragments import Fragments
from kit import deadline

AUTHOR, MENTIONED = 7, 9


class Posts:
    """`held` is a gate that loads wait at; `version` tells one load's answer from another's."""

    def __init__(self) -> None:
        self.calls: list[Sequence[int]] = []
        self.version, self.gone, self.fails = 1, set[int](), False
        self.gate = asyncio.Event()
        self.gate.set()
        self.left: list[float | None] = []

    async def load(self, ids: Sequence[int]) -> Mapping[int, Piece]:
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
    return Fragments(
        posts.load, seconds=seconds, most_bytes=most_bytes, clock=clock, spread=lambda low, high: (low + high) / 2
    )


async def versions(fragments: Fragments, *ids: int) -> dict[int, int]:
    return {post: one.likes for post, one in (await fragments.get(ids)).items()}


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


@pytest.mark.parametrize("account", [AUTHOR, MENTIONED])
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
    one = (await posts.load([2]))[2].size
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
