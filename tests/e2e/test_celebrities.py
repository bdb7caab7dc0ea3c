"""Authors above the threshold are not pushed but merged when read: the same feed, by another way."""

from collections.abc import Iterator

import httpx
import pytest
from devstack.testing import Stack
from kit.testing import eventually
from support.rest import Person, join


@pytest.fixture
def celebrities(stack: Stack) -> Iterator[None]:
    """Two followers are too many to push to."""
    stack.stop("fanout")
    stack.start("fanout", {"HELIOGRAPH_FANOUT_THRESHOLD": "1"})
    yield
    stack.stop("fanout")
    stack.start("fanout", {})


async def risen(stack: Stack) -> float:
    """Authors who have come above the threshold since the fan-out was started. Readers merge them from then on."""
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{stack.ops_url('fanout')}/metrics")).text.splitlines()
    prefix = 'heliograph_fanout_crossings_total{way="up"} '
    return sum(float(line.removeprefix(prefix)) for line in lines if line.startswith(prefix))


async def shows(reader: Person, *post_ids: str) -> None:
    async def exactly() -> bool:
        return await reader.feed() == list(post_ids)

    await eventually(exactly, timeout=20)


@pytest.mark.usefixtures("celebrities")
async def test_an_author_with_many_followers_is_merged_when_read(stack: Stack, http: httpx.AsyncClient):
    star, friend, *readers = [await join(http) for _ in range(4)]
    before = (await star.publish(caption="before anybody"))["id"]
    for reader in readers:
        (await reader.put(f"/v1/users/{star.id}/follow")).raise_for_status()
    (await readers[0].put(f"/v1/users/{friend.id}/follow")).raise_for_status()
    pushed = (await friend.publish(caption="a friend's"))["id"]
    merged = (await star.publish(caption="the star's"))["id"]
    await shows(readers[0], merged, pushed, before)
    await shows(readers[1], merged, before)

    async def is_merged() -> bool:
        return await risen(stack) >= 1

    await eventually(is_merged)
    (await star.delete(f"/v1/posts/{before}")).raise_for_status()
    assert await readers[1].feed() == [merged]
    (await readers[0].delete(f"/v1/users/{star.id}/follow")).raise_for_status()
    assert await readers[0].feed() == [pushed]
