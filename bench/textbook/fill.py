"""The same posts, accounts and timelines for the textbook's services: in Cassandra, and warm in Redis."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import redis
from cassandra.concurrent import (
    execute_concurrent_with_args,  # pyright: ignore[reportUnknownVariableType] the driver has no types
)
from kit.cql import blocking_session
from kit.ids import time_of
from kit.settings import CassandraSettings

from bench.home.fill import medium_of, variants_of
from bench.home.shape import Entry, Shape, Social, account_id, name_of, words_of
from bench.textbook import textbook_pb2 as pb

_KEPT = 100  # entries of a timeline
_TABLES = (
    "create table timeline (user_id bigint, post_id bigint, author_id bigint, primary key (user_id, post_id))"
    " with clustering order by (post_id desc)",
    "create table post (post_id bigint primary key, body blob)",
    "create table user (user_id bigint primary key, body blob)",
)
Rows = Sequence[tuple[Any, ...]]


def fill(cassandra: CassandraSettings, redis_url: str, social: Social, media_base: str) -> None:
    """Of the viewers, and of what they see. Makes the keyspace."""
    timelines = {viewer: social.home(viewer, _KEPT) for viewer in social.viewers}
    entries = {entry.post_id: entry for entries in timelines.values() for entry in entries}
    authors = sorted({entry.author for entry in entries.values()})
    likes = list(social.liked())
    counts: dict[int, int] = {}
    for post, _ in likes:
        counts[post] = counts.get(post, 0) + 1
    posts = [
        (post, _post(social.shape, entry, counts.get(post, 0), media_base).SerializeToString())
        for post, entry in entries.items()
    ]
    users = [(account_id(one), _user(one).SerializeToString()) for one in authors]
    rows = [
        (account_id(viewer), entry.post_id, account_id(entry.author))
        for viewer, entries in timelines.items()
        for entry in entries
    ]
    _to_cassandra(cassandra, rows, posts, users)
    _to_redis(redis_url, rows, posts, users, [(account_id(viewer), post) for post, viewer in likes])


def _post(shape: Shape, entry: Entry, likes: int, media_base: str) -> pb.Post:
    words = words_of(shape, entry.post_id)
    found = pb.Post(
        id=entry.post_id,
        author_id=account_id(entry.author),
        title=words.title,
        caption=words.caption,
        media=_media(shape, entry.post_id, media_base),
        tags=words.tags,
        audience="public",
        created_at=_text(time_of(entry.post_id)),
        likes=likes,
    )
    if words.place:
        found.location.CopyFrom(pb.Location(name=words.place, lat=48.2, lon=16.37))
    return found


def _media(shape: Shape, post_id: int, base: str) -> Iterator[pb.Medium]:
    medium = medium_of(shape, post_id)
    if medium is None:
        return
    folder = f"{base}/media/p/{medium.place}"
    variants = [pb.Variant(url=f"{folder}/{one['name']}", **one) for one in variants_of(shape)]
    yield pb.Medium(
        id=medium.id,
        kind="image",
        state="ready",
        blurhash=medium.blurhash,
        width=1080,
        height=810,
        variants=variants,
        created_at=_text(time_of(medium.id)),
    )


def _user(number: int) -> pb.User:
    return pb.User(id=account_id(number), username=name_of(number), name=f"Member {number}")


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _to_cassandra(settings: CassandraSettings, timelines: Rows, posts: Rows, users: Rows) -> None:
    with blocking_session(settings) as session:
        replication = settings.cassandra_replication
        session.execute(f"create keyspace {settings.cassandra_keyspace} with replication = {replication}")
        session.set_keyspace(settings.cassandra_keyspace)
        for table in _TABLES:
            session.execute(table)
        for insert, rows in (
            ("insert into timeline (user_id, post_id, author_id) values (?, ?, ?)", timelines),
            ("insert into post (post_id, body) values (?, ?)", posts),
            ("insert into user (user_id, body) values (?, ?)", users),
        ):
            execute_concurrent_with_args(session, session.prepare(insert), rows)


def _to_redis(url: str, timelines: Rows, posts: Rows, users: Rows, likes: Rows) -> None:
    with redis.Redis.from_url(url) as client:
        pipe = client.pipeline(transaction=False)
        for viewer, post, author in timelines:
            pipe.zadd(f"textbook:timeline:{viewer}", {f"{post}:{author}": post >> 16})
        for post, body in posts:
            pipe.set(f"textbook:post:{post}", body)
        for user, body in users:
            pipe.set(f"textbook:user:{user}", body)
        for viewer, post in likes:
            pipe.sadd(f"textbook:likes:{viewer}", post)
        pipe.execute()
