"""How long until followers see a post, by reading back: from before it is asked for to when the last of those who are
looked at has it."""

import asyncio
import time
from collections.abc import Sequence

from kit.errors import Unavailable

from bench.fanout.world import Author, World
from bench.measure import Result, result

_PAUSE = 0.2


async def known(world: World, posts: int, followers: int) -> list[Result]:
    """One post after another by the author whom 10,000 follow; `followers` of them are looked at, from each part of the
    list, and the home feeds of some of those."""
    author = world.people.known
    sample = author.sample(followers)
    readers = sample[:: max(1, len(sample) // 20)]
    await _read(world, readers)
    delays: list[float] = []
    for _ in range(posts):
        began = time.perf_counter()
        post_id = await world.post(author)
        await asyncio.gather(world.seen(post_id, sample), *(_shows(world, reader, post_id) for reader in readers))
        delays.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_PAUSE)
    return _figures("visible_10k", delays)


async def small_beside_large(world: World, sample: int) -> list[Result]:
    """The author with the most followers is pushed in full; small authors post meanwhile, five a second."""
    star, before = world.people.star, await world.written()
    began = time.perf_counter()
    large = await world.post(star)
    pushing = asyncio.create_task(_pushed(world, large, star, before, sample))
    delays: list[asyncio.Task[float]] = []
    number = 0
    while not pushing.done():
        author = world.people.small[number % len(world.people.small)]
        delays.append(asyncio.create_task(_one(world, author)))
        number += 1
        await asyncio.wait([pushing], timeout=_PAUSE)
    took = await pushing - began
    found = [await delay for delay in delays]
    small = world.people.small[0].followers + 1
    await world.wrote(before + star.followers + 1 + len(found) * small)  # not a row of anybody's is missing
    return [
        *_figures("small_beside_large", found),
        result("celebrity_pushed_visible_ms", "ms", [took * 1000]),
        result("celebrity_pushed_rows_per_second", "rows/s", [star.followers / took]),
    ]


async def small_alone(world: World, posts: int) -> list[Result]:
    authors = world.people.small
    delays: list[float] = []
    for number in range(posts):
        delays.append(await _one(world, authors[number % len(authors)]))
        await asyncio.sleep(_PAUSE)
    return _figures("small_alone", delays)


async def celebrity(world: World, posts: int, readers: int) -> list[Result]:
    """The same author above the threshold: nothing is pushed; every reader finds the post in the home feed."""
    star = world.people.star
    sample = star.sample(readers)
    await _read(world, sample)
    delays: list[float] = []
    for _ in range(posts):
        began = time.perf_counter()
        post_id = await world.post(star)
        await asyncio.gather(*(_shows(world, reader, post_id) for reader in sample))
        delays.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_PAUSE)
    return [result("celebrity_visible_ms", "ms", delays)]


async def _one(world: World, author: Author) -> float:
    began = time.perf_counter()
    await world.seen(await world.post(author), author.sample(author.followers))
    return (time.perf_counter() - began) * 1000


async def _pushed(world: World, post_id: int, author: Author, before: int, sample: int) -> float:
    """When the sample had the row, the last follower among them. That as many rows as there are followers have been
    written, of whatever posts, is a sign to begin looking."""
    await world.wrote(before + author.followers)
    await world.seen(post_id, author.sample(sample))
    return time.perf_counter()


async def _shows(world: World, reader: int, post_id: int) -> None:
    async with asyncio.timeout(60):
        while await world.top(reader) != post_id:  # noqa: ASYNC110 as a person looks again
            await asyncio.sleep(0.01)


async def _read(world: World, readers: Sequence[int]) -> None:
    """Their timelines are warm then."""
    for reader in readers:
        try:
            await world.top(reader)
        except Unavailable:
            await world.top(reader)


def _figures(name: str, delays: Sequence[float]) -> list[Result]:
    ordered = sorted(delays)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    figures = [result(f"{name}_p99_ms", "ms", [p99]), result(f"{name}_p50_ms", "ms", ordered)]
    return [*figures, result(f"{name}_posts", "posts", [len(ordered)])]
