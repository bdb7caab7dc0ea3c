"""Lists that many read at once."""

import asyncio
from collections.abc import Sequence

from feed_service.model import TOP, Entry
from feed_service.service.newest import Newest

AUTHOR = 7


class Lists:
    def __init__(self, posts: int) -> None:
        self.posts, self.asked = posts, list[tuple[int, int]]()

    async def slice(self, author: int, before: int, limit: int) -> Sequence[Entry]:
        self.asked.append((before, limit))
        await asyncio.sleep(0)
        return [Entry(post, author) for post in range(min(before - 1, self.posts), 0, -1)][:limit]


def ids(entries: Sequence[Entry]) -> list[int]:
    return [entry.post_id for entry in entries]


async def test_ten_thousand_readers_of_a_hot_author_make_one_call() -> None:
    lists = Lists(300)
    newest = Newest(lists.slice, seconds=1, clock=lambda: 0.0)

    found = await asyncio.gather(*(newest.slice(AUTHOR, TOP, 5) for _ in range(10_000)))

    assert all(ids(one) == [300, 299, 298, 297, 296] for one in found)
    assert lists.asked == [(TOP, 201)]
    assert ids(newest.peek(AUTHOR, 300, 2) or ()) == [299, 298]


async def test_below_the_top_the_list_itself_is_asked() -> None:
    lists = Lists(300)
    newest = Newest(lists.slice, seconds=1, clock=lambda: 0.0)

    assert ids(await newest.slice(AUTHOR, 102, 3)) == [101, 100, 99]
    assert lists.asked == [(TOP, 201), (102, 3)]


async def test_a_list_that_is_all_in_its_top_ends_there() -> None:
    newest = Newest(Lists(3).slice, seconds=1, clock=lambda: 0.0)

    assert ids(await newest.slice(AUTHOR, TOP, 5)) == [3, 2, 1]
    assert ids(await newest.slice(AUTHOR, 1, 5)) == []


async def test_an_old_top_is_answered_once_more_while_the_next_is_loaded() -> None:
    lists, at = Lists(3), [0.0]
    newest = Newest(lists.slice, seconds=1, clock=lambda: at[0])
    await newest.slice(AUTHOR, TOP, 1)
    lists.posts, at[0] = 4, 1.0

    assert ids(await newest.slice(AUTHOR, TOP, 1)) == [3]
    await asyncio.sleep(0.01)
    assert ids(await newest.slice(AUTHOR, TOP, 1)) == [4]

    lists.posts, at[0] = 5, 3.0
    assert ids(await newest.slice(AUTHOR, TOP, 1)) == [5]


async def test_switched_off_nothing_is_kept() -> None:
    lists = Lists(3)
    newest = Newest(lists.slice, seconds=0, clock=lambda: 0.0)
    await newest.slice(AUTHOR, TOP, 1)
    lists.posts = 4

    assert newest.peek(AUTHOR, TOP, 1) is None
    assert ids(await newest.slice(AUTHOR, TOP, 1)) == [4]


class Several(Lists):
    """Each author's posts are the multiples of the author's id."""

    async def slice(self, author: int, before: int, limit: int) -> Sequence[Entry]:
        return [one for one in await super().slice(author, before, 10_000) if one.post_id % author == 0][:limit]


async def test_lists_that_are_read_together_are_merged_once() -> None:
    lists = Several(30)
    newest = Newest(lists.slice, seconds=1, clock=lambda: 0.0)

    for _ in range(2):  # loaded, then merged and kept
        assert [*await newest.merged([7, 5], TOP, 4)] == [Entry(30, 5), Entry(28, 7), Entry(25, 5), Entry(21, 7)]
    assert await newest.merged([7, 5], TOP, 4) is await newest.merged([7, 5], TOP, 4)
    assert ids(await newest.merged([7, 5], TOP, 2)) == [30, 28]
    assert ids(await newest.merged([7], TOP, 4)) == [28, 21, 14, 7]
    assert ids(await newest.merged([7, 5], 25, 2)) == [21, 20]
    assert len(lists.asked) == 2


async def test_what_is_merged_is_no_older_than_the_oldest_of_its_lists() -> None:
    lists, at = Several(30), [0.0]
    newest = Newest(lists.slice, seconds=1, clock=lambda: at[0])
    await newest.slice(5, TOP, 1)
    at[0] = 0.5
    for _ in range(2):
        assert ids(await newest.merged([5, 7], TOP, 2)) == [30, 28]
    lists.posts, at[0] = 35, 1.0

    assert ids(await newest.merged([5, 7], TOP, 2)) == [30, 28]  # once more, while one of them is loaded
    await asyncio.sleep(0.01)
    assert [*await newest.merged([5, 7], TOP, 2)] == [Entry(35, 5), Entry(30, 5)]

    at[0] = 1.5
    await newest.merged([5, 7], TOP, 2)
    await asyncio.sleep(0.01)
    assert [*await newest.merged([7], TOP, 1)] == [Entry(35, 7)]


async def test_switched_off_nothing_merged_is_kept() -> None:
    lists = Several(30)
    newest = Newest(lists.slice, seconds=0, clock=lambda: 0.0)
    await newest.merged([5, 7], TOP, 2)
    lists.posts = 35

    assert ids(await newest.merged([5, 7], TOP, 1)) == [35]
