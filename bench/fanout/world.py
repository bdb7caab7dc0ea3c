"""Authors of every size and their followers, in a system of ours: accounts and follows by SQL, as the services would
have left them, and a reader of what the fan-out wrote."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from devstack.testing import Stack
from heliograph.feed.v1.feed_pb2 import GetHomeFeedRequest
from heliograph.feed.v1.feed_pb2_grpc import FeedServiceStub
from heliograph.post.v1.post_pb2 import AUDIENCE_PUBLIC, CreatePostRequest
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from kit import client
from kit.cassandra import Cassandra, open_cassandra
from kit.errors import Unavailable, from_exception
from kit.ids import first_at, time_of
from kit.settings import CassandraSettings
from prometheus_client.parser import text_string_to_metric_families

PROCESSES = ("user", "graph", "post", "feed", "fanout")
WORKING = ("post", "graph", "fanout")  # who takes part in a push
_JOINED = first_at(datetime(2025, 1, 1, tzinfo=UTC))
_STEP = 1 << 16  # a millisecond of ids
_AUTHORS = 10_000_000  # their numbers; followers are numbers from 0
_MEDIA, _PICTURES = 11_000_000, 1_000
_IMAGE, _READY = 1, 5
_MEDIUM = (
    "author_id", "id", "request_id", "kind", "content_type", "bytes", "sha256", "alt_text", "state", "blurhash",
    "width", "height", "place", "variants", "post_id", "created_at",
)  # fmt: skip
_SEEN = "select user_id from home_timeline where user_id in ? and post_id = ?"
_AT_ONCE = 100
_PAUSE = 0.005
_PATIENCE = 900.0

_FOLLOWS = """
with follows as (
    select $1::bigint + number * $2::bigint as follower, $3::bigint as followee,
        $1::bigint + (20000000 + $3::bigint % 1000 * 2000000 + number) * $2::bigint as id
    from generate_series($4::bigint, $5::bigint - 1) as number
), one as (
    insert into followers_by_followee (followee_id, follower_id, id) select followee, follower, id from follows
), other as (
    insert into following_by_follower (follower_id, followee_id, id) select follower, followee, id from follows
)
insert into account_counts (user_id, followers, following) values ($3::bigint, $5::bigint - $4::bigint, 0)
"""


@dataclass(frozen=True)
class Author:
    """Followed by accounts of numbers from `first` to before `last`."""

    number: int
    first: int
    last: int

    @property
    def id(self) -> int:
        return account_id(_AUTHORS + self.number)

    @property
    def followers(self) -> int:
        return self.last - self.first

    def sample(self, size: int) -> list[int]:
        """Followers all over the list, one in each of `size` parts, and the last."""
        step = max(1, self.followers // size)
        return [account_id(number) for number in (*range(self.first, self.last, step), self.last - 1)]


@dataclass(frozen=True)
class Crowd:
    star: Author
    known: Author
    small: Sequence[Author]

    @property
    def all(self) -> Sequence[Author]:
        return (self.star, self.known, *self.small)


def crowd(star: int, known: int, small: int, each: int) -> Crowd:
    authors = [Author(2 + place, place * each, (place + 1) * each) for place in range(small)]
    return Crowd(Author(0, 0, star), Author(1, 0, known), authors)


def account_id(number: int) -> int:
    return _JOINED + number * _STEP


def media_of(author: Author) -> list[int]:
    """Pictures that are ready to be posted: a post has at least one."""
    return [account_id(_MEDIA + author.number * _PICTURES + place) for place in range(_PICTURES)]


async def fill(postgres: Mapping[str, str], people: Crowd) -> None:
    graph = await asyncpg.connect(postgres["graph"])
    for author in people.all:
        await graph.execute(_FOLLOWS, _JOINED, _STEP, author.id, author.first, author.last, timeout=600)
    await graph.execute("vacuum analyze", timeout=600)
    await graph.close()
    user = await asyncpg.connect(postgres["user"])
    accounts = [
        (author.id, f"author{author.number}", f"author{author.number}@example.org", True, "Author", "")
        for author in people.all
    ]
    columns = ["user_id", "username", "email", "email_verified", "name", "bio"]
    await user.copy_records_to_table("accounts", records=accounts, columns=columns)
    await user.close()
    post = await asyncpg.connect(postgres["post"])
    media = [_medium(author.id, medium) for author in people.all for medium in media_of(author)]
    await post.copy_records_to_table("media", records=media, columns=_MEDIUM)
    await post.execute("vacuum analyze", timeout=600)
    await post.close()


def _medium(author_id: int, medium: int) -> tuple[object, ...]:
    digest = hashlib.sha256(str(medium).encode()).hexdigest()
    variant = {"name": "1080.webp", "width": 1080, "height": 810, "bytes": 65_000, "content_type": "image/webp"}
    return (
        author_id, medium, f"bench {medium}", _IMAGE, "image/jpeg", 250_000, digest, "", _READY, digest[:28], 1080, 810,
        f"public/{digest[:22]}", json.dumps([variant]), 0, time_of(medium),
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    stack: Stack
    people: Crowd
    rows: Cassandra
    posts: PostServiceStub
    feeds: FeedServiceStub
    media: Mapping[int, Iterator[int]]

    async def post(self, author: Author) -> int:
        """Returns once it is committed."""
        request = CreatePostRequest(
            viewer_id=author.id,
            caption="morning light",
            audience=AUDIENCE_PUBLIC,
            media_ids=[next(self.media[author.number])],
            request_id=uuid.uuid4().hex,
        )
        return (await self.posts.CreatePost(request, timeout=10)).post.id

    async def seen(self, post_id: int, followers: Sequence[int]) -> None:
        """Returns when all of these followers have the row."""
        left: list[int] = [*followers]
        async with asyncio.timeout(_PATIENCE):
            while left:
                found: set[int] = set()
                for start in range(0, len(left), _AT_ONCE):
                    found |= await self._having(post_id, left[start : start + _AT_ONCE])
                left = [one for one in left if one not in found]
                await asyncio.sleep(_PAUSE if left else 0)

    async def _having(self, post_id: int, followers: Sequence[int]) -> set[int]:
        try:
            return {row.user_id for row in await self.rows.execute(_SEEN, (followers, post_id))}
        except Exception as error:
            if not isinstance(from_exception(error), Unavailable):
                raise
            return set()  # what cannot be read in time is not seen yet

    async def top(self, reader: int) -> int:
        """The newest post of a home feed."""
        page = await self.feeds.GetHomeFeed(GetHomeFeedRequest(viewer_id=reader, page_size=20), timeout=10)
        return page.posts[0].id if page.posts else 0

    async def written(self) -> int:
        """Rows that the fan-out process has written since it began."""
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"{self.stack.ops_url('fanout')}/metrics", timeout=10)).raise_for_status().text
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return int(sum(sample.value for sample in samples if sample.name == "heliograph_fanout_rows_total"))

    async def wrote(self, number: int) -> None:
        async with asyncio.timeout(_PATIENCE):
            while await self.written() < number:  # noqa: ASYNC110 another process counts
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(stack: Stack, people: Crowd, media: Mapping[int, Iterator[int]]) -> AsyncGenerator[World]:
    async with AsyncExitStack() as open_:
        rows = await open_.enter_async_context(open_cassandra(settings_of(stack)))
        post = await open_.enter_async_context(client.channel(stack.address("post"), service="post", seconds=10))
        feed = await open_.enter_async_context(client.channel(stack.address("feed"), service="feed", seconds=10))
        yield World(stack, people, rows, PostServiceStub(post), FeedServiceStub(feed), media)


def settings_of(stack: Stack) -> CassandraSettings:
    keyspace = next(name for name in stack.stores.keyspaces if name.endswith("feed"))
    return CassandraSettings(cassandra_contact_points=(stack.stores.cassandra,), cassandra_keyspace=keyspace)


def environment(**of_fanout: Any) -> dict[str, dict[str, str]]:
    return {"fanout": {f"HELIOGRAPH_{name.upper()}": str(value) for name, value in of_fanout.items()}}
