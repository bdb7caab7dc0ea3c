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


async def pulled(stack: Stack) -> float:
    """Posts that the fan-out left to be merged when read, since it was started. Once left, an author's always are."""
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{stack.ops_url('fanout')}/metrics")).text.splitlines()
    prefix = 'heliograph_fanout_posts_total{way="pull"} '
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

    async def left_to_reads() -> bool:
        return await pulled(stack) >= 1

    await eventually(left_to_reads)
    (await star.delete(f"/v1/posts/{before}")).raise_for_status()
    assert await readers[1].feed() == [merged]
    (await readers[0].delete(f"/v1/users/{star.id}/follow")).raise_for_status()
    assert await readers[0].feed() == [pushed]
