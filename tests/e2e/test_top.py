"""The ranked feed, beside the chronological one."""

from typing import Any

import httpx
from kit.testing import eventually
from support.rest import Person, assert_problem, join

FEED = "/v1/me/feed"


async def top(reader: Person, **params: str) -> dict[str, Any]:
    query = httpx.QueryParams({"order": "top", **params})
    return (await reader.get(f"{FEED}?{query}")).raise_for_status().json()


async def read_on(reader: Person, page: dict[str, Any]) -> list[dict[str, Any]]:
    """What follows the page, to the end."""
    items: list[dict[str, Any]] = []
    while page["next"]:
        page = await top(reader, limit="2", cursor=page["next"])
        items += page["items"]
    return items


def ids_of(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


async def features(reader: Person, post_id: str) -> set[str]:
    told = (await reader.get(f"/v1/posts/{post_id}/why")).raise_for_status().json()
    assert abs(sum(item["contribution"] for item in told["items"]) - told["score"]) < 0.01
    assert all(item["text"] for item in told["items"])
    return {item["feature"] for item in told["items"]}


async def test_the_ranked_feed_learns_from_its_reader_and_shows_each_post_once(http: httpx.AsyncClient):
    reader, *authors = [await join(http, name) for name in ("reader", "ann", "bob", "cid")]
    for author in authors:
        (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    posts = [(await author.publish(caption="hello #top"))["id"] for _ in range(2) for author in authors]
    by_time = posts[::-1]

    async def all_there() -> bool:
        return await reader.feed() == by_time

    await eventually(all_there, timeout=60)
    assert ids_of((await top(reader))["items"]) == by_time
    assert (await top(reader))["degraded"] is False

    # Who is liked and answered comes first.
    favourite, its_posts = authors[0], {posts[0], posts[3]}
    (await reader.put(f"/v1/posts/{posts[0]}/like")).raise_for_status()
    for text in ("lovely", "truly"):
        (await reader.post(f"/v1/posts/{posts[0]}/comments", {"text": text})).raise_for_status()

    async def lifted() -> bool:
        return (await top(reader))["items"][0]["author"]["id"] == favourite.id

    await eventually(lifted, timeout=30)
    first = (await top(reader))["items"][0]["id"]
    assert first in its_posts
    assert {"recency", "affinity"} <= await features(reader, first)
    assert await reader.feed() == by_time

    # What was on the screen goes down.
    answer = await reader.post(f"{FEED}/seen", {"post_ids": [first], "order": "top"})
    assert answer.raise_for_status().json() == {"recorded": 1}
    found = ids_of((await top(reader))["items"])
    assert found[0] != first
    assert sorted(found) == sorted(posts)
    assert "seen" in await features(reader, first)

    # A page follows the other, whatever happens meanwhile.
    page = await top(reader, limit="2")
    (await http.put(f"/v1/posts/{found[-1]}/like", headers=authors[1].headers)).raise_for_status()
    new = (await authors[1].publish(caption="new"))["id"]
    assert ids_of([*page["items"], *await read_on(reader, page)]) == found

    async def arrived() -> bool:
        return new in ids_of((await top(reader))["items"])

    await eventually(arrived, timeout=60)

    # A block holds on pages that were ranked before, too.
    page = await top(reader, limit="1")
    gone = next(author for author in authors if author.id != page["items"][0]["author"]["id"])
    (await gone.put(f"/v1/users/{reader.id}/block")).raise_for_status()
    rest = await read_on(reader, page)
    assert rest
    assert gone.id not in {item["author"]["id"] for item in [*page["items"], *rest]}
    assert gone.id not in {item["author"]["id"] for item in (await top(reader))["items"]}
    hidden = posts[authors.index(gone)]
    assert_problem(await reader.get(f"/v1/posts/{hidden}/why"), 404)

    # Of a post that is in no feed of one's own there is nothing to say, and cursors are of one order.
    stranger = await join(http, "stranger")
    kept = next(author for author in authors if author is not gone)
    problem = assert_problem(await stranger.get(f"/v1/posts/{posts[authors.index(kept)]}/why"), 404)
    assert problem["reason"] == "NOT_IN_FEED"
    assert_problem(await reader.get(FEED, cursor=page["next"]), 400)
