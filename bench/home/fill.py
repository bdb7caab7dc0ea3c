"""Puts a social graph into the databases of user, graph and post, and the author timelines into feed's keyspace, as the
services would have left them: truth by COPY, and no event. Home timelines are made by feed when they are first read."""

import asyncio
import hashlib
import json
import random
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from cassandra.concurrent import (
    execute_concurrent,  # pyright: ignore[reportUnknownVariableType] the driver has no types
)
from cassandra.query import BatchStatement, BatchType
from devstack.erasure.stores import Stores
from kit.cql import blocking_session
from kit.ids import time_of
from kit.settings import CassandraSettings

from bench.home.shape import Entry, Shape, Social, account_id, has_photo, name_of, words_of

_EDGES = (1080, 640, 320)
_PUBLIC, _PUBLISHED, _READY, _IMAGE = 1, 1, 5, 1
_HUES = string.digits + string.ascii_letters
_ROWS = 50
_AT_ONCE = 64
_SETTLED = 86_400

Rows = Iterable[tuple[object, ...]]


async def fill(stores: Stores, social: Social) -> None:
    """All of these databases have to be migrated and empty."""
    await asyncio.gather(_users(stores.postgres["user"], social), _graph(stores.postgres["graph"], social))
    await _posts(stores.postgres["post"], social)
    await asyncio.to_thread(_author_timelines, settings_of(stores, "feed"), social)


def settings_of(stores: Stores, service: str) -> CassandraSettings:
    keyspace = next(name for name in stores.keyspaces if name.endswith(service))
    return CassandraSettings(cassandra_contact_points=(stores.cassandra,), cassandra_keyspace=keyspace)


async def _users(dsn: str, social: Social) -> None:
    numbers = range(social.shape.users)
    tables = {
        "accounts": (
            ["user_id", "username", "email", "email_verified", "name", "bio"],
            ((account_id(n), name_of(n), f"{name_of(n)}@example.org", True, f"Member {n}", "") for n in numbers),
        ),
        "usernames": (["username", "user_id", "request_id"], ((name_of(n), account_id(n), "") for n in numbers)),
        "username_looks": (["look", "user_id"], ((name_of(n).replace("0", "o"), account_id(n)) for n in numbers)),
        "emails": (["email_key", "user_id"], ((f"{name_of(n)}@example.org", account_id(n)) for n in numbers)),
    }
    await _copy(dsn, tables)


async def _graph(dsn: str, social: Social) -> None:
    followers = social.followers()
    columns = ["follower_id", "followee_id", "id"]
    tables = {
        "following_by_follower": (columns, _edges(social)),
        "followers_by_followee": (columns, _edges(social)),
        "account_counts": (
            ["user_id", "followers", "following"],
            ((account_id(n), followers[n], len(social.following[n])) for n in range(social.shape.users)),
        ),
    }
    await _copy(dsn, tables)


def _edges(social: Social) -> Iterator[tuple[int, int, int]]:
    """Everybody followed whom they follow within the minute after they had joined, one after another."""
    last = account_id(social.shape.users)
    number = 0
    for follower, followed in enumerate(social.following):
        for followee in followed:
            number += 1
            yield account_id(follower), account_id(followee), last + number * 977


async def _posts(dsn: str, social: Social) -> None:
    posts = social.posts
    likes = list(social.liked())
    counts = Counter(entry.author for entry in posts)
    tables = {
        "authors": (["author_id", "posts"], ((account_id(n), count) for n, count in counts.items())),
        "posts": (list(_POST), (_post(social.shape, entry) for entry in posts)),
        "post_tags": (["author_id", "tag", "post_id"], _tags(social)),
        "media": (list(_MEDIUM), _media(social)),
        "likes": (["post_id", "user_id"], ((post, account_id(viewer)) for post, viewer in likes)),
        "post_counts": (["post_id", "likes"], Counter(post for post, _ in likes).items()),
    }
    await _copy(dsn, tables)


_POST = (
    "author_id", "id", "request_id", "request_hash", "title", "caption", "tags", "mentions", "location_name",
    "latitude", "longitude", "audience", "comments_off", "state", "created_at", "published_at",
)  # fmt: skip


def _post(shape: Shape, entry: Entry) -> tuple[object, ...]:
    words, at = words_of(shape, entry.post_id), time_of(entry.post_id)
    spot = (48.2, 16.37) if words.place else (None, None)
    return (
        account_id(entry.author), entry.post_id, f"bench {entry.post_id}", b"", words.title, words.caption,
        list(words.tags), "[]", words.place, *spot, _PUBLIC, False, _PUBLISHED, at, at,
    )  # fmt: skip


def _tags(social: Social) -> Rows:
    for entry in social.posts:
        for tag in words_of(social.shape, entry.post_id).tags:
            yield account_id(entry.author), tag, entry.post_id


_MEDIUM = (
    "author_id", "id", "request_id", "kind", "content_type", "bytes", "sha256", "alt_text", "state", "blurhash",
    "width", "height", "place", "variants", "post_id", "created_at",
)  # fmt: skip


def _media(social: Social) -> Rows:
    shape = social.shape
    for entry in social.posts:
        medium = medium_of(shape, entry.post_id)
        if medium is not None:
            yield _medium(shape, account_id(entry.author), medium, entry.post_id)
    for author in social.composers:
        for at in range(shape.spare_media):
            yield _medium(shape, account_id(author), _photo(shape, spare_medium(shape, author, at)), 0)


def spare_medium(shape: Shape, author: int, at: int) -> int:
    """The id of a picture that a composer has not posted yet."""
    return account_id(shape.users + 1000 + author * shape.spare_media + at)


@dataclass(frozen=True)
class Photo:
    id: int
    digest: str
    place: str
    blurhash: str


def medium_of(shape: Shape, post_id: int) -> Photo | None:
    """The post's picture, if it has one: uploaded a second before."""
    return _photo(shape, post_id - (1000 << 16)) if has_photo(shape, post_id) else None


def variants_of(shape: Shape) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "name": f"{edge}.webp",
            "width": edge,
            "height": edge * 3 // 4,
            "bytes": edge * 61,
            "content_type": "image/webp",
        }
        for edge in _EDGES[: shape.variants]
    ]


def _photo(shape: Shape, medium: int) -> Photo:
    rng = random.Random(f"{shape.seed} {medium}")  # noqa: S311 the same for the same seed
    digest = hashlib.sha256(str(medium).encode()).hexdigest()
    return Photo(medium, digest, digest[:22], "".join(rng.choices(_HUES, k=28)))


def _medium(shape: Shape, author: int, photo: Photo, post: int) -> tuple[object, ...]:
    return (
        author, photo.id, f"bench {photo.id}", _IMAGE, "image/jpeg", 250_000, photo.digest, "", _READY, photo.blurhash,
        1080, 810, f"public/{photo.place}", json.dumps(variants_of(shape)), post, time_of(photo.id),
    )  # fmt: skip


async def _copy(dsn: str, tables: Mapping[str, tuple[Sequence[str], Rows]]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for table, (columns, rows) in tables.items():
            await connection.copy_records_to_table(table, records=rows, columns=columns)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def _author_timelines(settings: CassandraSettings, social: Social) -> None:
    with blocking_session(settings) as session:
        session.set_keyspace(settings.cassandra_keyspace)
        insert = session.prepare("insert into author_timeline (author_id, bucket, post_id) values (?, ?, ?)")
        # As the fan-out writes it, and long enough ago.
        since = int((social.shape.until.timestamp() - _SETTLED) * 1e6)
        pulled = "insert into pulled_author (shard, author_id, since_us) values (0, %s, %s) if not exists"
        for star in range(social.shape.celebrities):
            session.execute(pulled, (account_id(star), since))
        work = [(batch, None) for author in range(social.shape.users) for batch in _batches(insert, social, author)]
        execute_concurrent(session, work, concurrency=_AT_ONCE)


def _batches(insert: Any, social: Social, author: int) -> Iterator[BatchStatement]:
    """Of one partition each."""
    partitions: dict[int, list[int]] = {}
    for entry in social.of_author(author):
        partitions.setdefault(time_of(entry.post_id).year, []).append(entry.post_id)
    for year, posts in partitions.items():
        for start in range(0, len(posts), _ROWS):
            batch = BatchStatement(batch_type=BatchType.UNLOGGED)
            for post in posts[start : start + _ROWS]:
                batch.add(insert, (account_id(author), year, post))
            yield batch
