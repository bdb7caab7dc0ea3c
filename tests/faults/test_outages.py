"""A server that is down: routes that need it answer 503 with Retry-After, the others work, and all catches up after."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from devstack.testing import Stack
from kit.testing import eventually
from support.rest import Person, assert_problem, join, photo


@pytest.fixture
async def http(stack: Stack) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=15) as client:
        yield client


@asynccontextmanager
async def outage(stack: Stack, server: str) -> AsyncGenerator[None]:
    """The server is stopped inside the block, and answers again at its end."""
    down = stack.server_down(server)
    await asyncio.to_thread(down.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(down.__exit__, None, None, None)


class Pair:
    """A reader who follows an author, with one post in the feed before anything fails."""

    def __init__(self, author: Person, reader: Person, post_id: str) -> None:
        self.author = author
        self.reader = reader
        self.post_id = post_id

    async def sees(self, *post_ids: str) -> bool:
        return set(post_ids) <= set(await self.reader.feed())


@pytest.fixture
async def pair(http: httpx.AsyncClient) -> Pair:
    author, reader = await join(http, "author"), await join(http, "reader")
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    pair = Pair(author, reader, (await author.publish(title=f"Before {secrets.token_hex(4)}"))["id"])
    await eventually(lambda: pair.sees(pair.post_id), timeout=30)
    return pair


def assert_unavailable(answer: httpx.Response) -> None:
    assert_problem(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1


async def test_without_kafka_people_go_on_and_views_catch_up(stack: Stack, pair: Pair):
    async with outage(stack, "kafka"):
        # Media that was ready before: the worker hears of new ones only by Kafka.
        comment = await pair.reader.post(f"/v1/posts/{pair.post_id}/comments", {"text": "No events now"})
        assert comment.status_code == 201
        assert (await pair.reader.put(f"/v1/posts/{pair.post_id}/like")).json()["counts"]["likes"] == 1
        post = await pair.author.publish(photo(color="red"))
        assert await pair.sees(pair.post_id)
    await eventually(lambda: pair.sees(post["id"]), timeout=90)

    async def told() -> bool:
        items = (await pair.author.get("/v1/notifications")).json()["items"]
        return {"like", "comment"} <= {item["kind"] for item in items}

    await eventually(told, timeout=60)


async def test_without_redis_everything_works_and_counts_come_right(stack: Stack, pair: Pair):
    async with outage(stack, "redis"):
        assert await pair.sees(pair.post_id)
        assert (await pair.reader.put(f"/v1/posts/{pair.post_id}/like")).status_code == 200
        post = await pair.author.publish(photo(color="red"))
        await eventually(lambda: pair.sees(post["id"]), timeout=60)

    async def counted() -> bool:
        answer = await pair.reader.get(f"/v1/posts/{pair.post_id}")
        return answer.json()["counts"]["likes"] == 1

    await eventually(counted, timeout=60)


async def test_without_elasticsearch_only_search_is_away(stack: Stack, pair: Pair):
    async with outage(stack, "elasticsearch"):
        assert_unavailable(await pair.reader.get("/v1/search", q="dusk", type="posts"))
        title = f"During {secrets.token_hex(4)}"
        post = await pair.author.publish(photo(color="red"), title=title)
        await eventually(lambda: pair.sees(post["id"]), timeout=30)
        assert (await pair.reader.get("/v1/notifications")).status_code == 200

    async def found() -> bool:
        answer = await pair.reader.get("/v1/search", q=title, type="posts")
        return answer.status_code == 200 and [i["post"]["id"] for i in answer.json()["items"]] == [post["id"]]

    await eventually(found, timeout=90)


async def test_without_cassandra_the_feed_is_pulled_and_says_so(stack: Stack, pair: Pair):
    async with outage(stack, "cassandra"):
        post = await pair.author.publish(photo(color="red"))

        async def pulled() -> bool:
            answer = await pair.reader.get("/v1/me/feed")
            return answer.status_code == 200 and post["id"] in [item["id"] for item in answer.json()["items"]]

        await eventually(pulled, timeout=30)
        assert_unavailable(await pair.author.get("/v1/notifications"))
        assert (await pair.reader.get(f"/v1/posts/{post['id']}")).status_code == 200

    async def whole() -> bool:
        answer = (await pair.reader.get("/v1/me/feed")).json()
        assert not answer["degraded"]
        assert {item["id"] for item in answer["items"]} == {pair.post_id, post["id"]}
        return True

    await eventually(whole, timeout=90)


async def test_without_storage_what_needs_no_bytes_works(stack: Stack, pair: Pair):
    async with outage(stack, "s3"):
        assert await pair.sees(pair.post_id)
        media = (await pair.author.announce(photo())).raise_for_status().json()
        assert_unavailable(await pair.author.post(f"/v1/media/{media['id']}/complete"))
        assert (await pair.reader.put(f"/v1/posts/{pair.post_id}/like")).status_code == 200
    post = await pair.author.publish(photo(color="red"))
    await eventually(lambda: pair.sees(post["id"]), timeout=60)


async def test_without_postgres_nobody_is_told_a_lie(stack: Stack, pair: Pair):
    async with outage(stack, "postgres"):
        assert_unavailable(await pair.author.patch("/v1/me", {"bio": "Lost?"}))
        assert_unavailable(await pair.reader.post(f"/v1/posts/{pair.post_id}/comments", {"text": "Lost?"}))

    async def back() -> bool:
        answer = await pair.reader.post(f"/v1/posts/{pair.post_id}/comments", {"text": "Back"})
        return answer.status_code == 201

    await eventually(back, timeout=60)
    answer = await pair.reader.get(f"/v1/posts/{pair.post_id}/comments")
    assert [comment["text"] for comment in answer.json()["items"]] == ["Back"]
    assert (await pair.author.get("/v1/me")).json()["bio"] == ""


@pytest.mark.parametrize(
    ("process", "away", "works"),
    [
        ("user", "/v1/me", "/v1/relationships?ids={author}"),
        ("graph", "/v1/relationships?ids={author}", "/v1/me"),
        ("post", "/v1/posts/{post}", "/v1/relationships?ids={author}"),
        ("feed", "/v1/me/feed", "/v1/posts/{post}"),
        ("notify", "/v1/notifications", "/v1/me/feed"),
        ("search", "/v1/search?q=dusk", "/v1/me/feed"),
    ],
)
async def test_without_one_service_only_what_needs_it_is_away(
    stack: Stack, pair: Pair, process: str, away: str, works: str
):
    names = {"author": pair.author.id, "post": pair.post_id}
    await asyncio.to_thread(stack.kill, process)
    try:
        assert_unavailable(await pair.reader.get(away.format(**names)))
        assert (await pair.reader.get(works.format(**names))).status_code == 200
    finally:
        await asyncio.to_thread(stack.start, process)

    async def back() -> bool:
        return (await pair.reader.get(away.format(**names))).status_code == 200

    await eventually(back, timeout=30)
