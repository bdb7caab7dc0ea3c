"""The three services: `python -m bench.textbook.services timelines|posts|users PORT`. Redis is asked first, Cassandra
for what is not there, which then goes to Redis."""

# ruff: noqa: N802, ARG002 gRPC's names and arguments

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import grpc
import uvloop
from cassandra.cluster import Cluster
from cassandra.concurrent import (
    execute_concurrent_with_args,  # pyright: ignore[reportUnknownVariableType] the driver has no types
)
from redis.asyncio import Redis

from bench.textbook import textbook_pb2 as pb
from bench.textbook import textbook_pb2_grpc as stubs

_TTL = 3600
Context = Any  # grpc's, whose parameters nobody uses here


class Timelines(stubs.TimelinesServicer):
    def __init__(self, redis: Redis, session: Any) -> None:
        self._redis, self._session = redis, session
        self._select = session.prepare("select post_id, author_id from timeline where user_id = ? limit 800")

    async def Home(self, request: pb.HomeRequest, context: Context) -> pb.HomeResponse:
        key = f"textbook:timeline:{request.user_id}"
        found = cast("list[str]", await self._redis.zrevrange(key, 0, request.limit - 1))
        if not found:
            rows = await asyncio.to_thread(self._session.execute, self._select, (request.user_id,))
            members = [f"{row.post_id}:{row.author_id}" for row in rows]
            if members:
                # Ids sort by time: their first digits are precise enough for a score.
                await self._redis.zadd(key, {member: int(member.split(":")[0]) >> 16 for member in members})
            found = members[: request.limit]
        pairs = [member.split(":") for member in found]
        return pb.HomeResponse(entries=[pb.Entry(post_id=int(post), author_id=int(author)) for post, author in pairs])


class Posts(stubs.PostsServicer):
    def __init__(self, redis: Redis, session: Any) -> None:
        self._redis, self._session = redis, session
        self._select = session.prepare("select post_id, body from post where post_id = ?")

    async def BatchGet(self, request: pb.BatchGetPostsRequest, context: Context) -> pb.BatchGetPostsResponse:
        ids = list(request.ids)
        pipe = self._redis.pipeline(transaction=False)
        pipe.mget([f"textbook:post:{one}" for one in ids])
        pipe.smismember(f"textbook:likes:{request.viewer_id}", [str(one) for one in ids])
        bodies, liked = cast("tuple[list[bytes | None], list[int]]", await pipe.execute())
        known = dict(zip(ids, bodies, strict=True))
        found = await _filled(self._redis, self._session, self._select, "post", known)
        posts = [pb.Post.FromString(found[one]) for one in ids if one in found]
        likes = dict(zip(ids, liked, strict=True))
        for post in posts:
            post.liked = bool(likes[post.id])
        return pb.BatchGetPostsResponse(posts=posts)


class Users(stubs.UsersServicer):
    def __init__(self, redis: Redis, session: Any) -> None:
        self._redis, self._session = redis, session
        self._select = session.prepare("select user_id, body from user where user_id = ?")

    async def BatchGet(self, request: pb.BatchGetUsersRequest, context: Context) -> pb.BatchGetUsersResponse:
        ids = list(request.ids)
        bodies = cast("list[bytes | None]", await self._redis.mget([f"textbook:user:{one}" for one in ids]))
        known = dict(zip(ids, bodies, strict=True))
        found = await _filled(self._redis, self._session, self._select, "user", known)
        return pb.BatchGetUsersResponse(users=[pb.User.FromString(found[one]) for one in ids if one in found])


async def _filled(
    redis: Redis, session: Any, select: Any, kind: str, known: Mapping[int, bytes | None]
) -> Mapping[int, bytes]:
    """What is known, and from Cassandra what is not."""
    found = {one: body for one, body in known.items() if body is not None}
    missing = [one for one in known if one not in found]
    if not missing:
        return found
    execute = cast("Any", execute_concurrent_with_args)
    results: Any = await asyncio.to_thread(execute, session, select, [(one,) for one in missing])
    fresh: dict[int, bytes] = {row[0]: row[1] for _, rows in results for row in rows}
    pipe = redis.pipeline(transaction=False)
    for one, body in fresh.items():
        pipe.set(f"textbook:{kind}:{one}", body, ex=_TTL)
    await pipe.execute()
    return {**found, **fresh}


async def main(name: str, port: int) -> None:
    host, _, cassandra_port = os.environ["TEXTBOOK_CASSANDRA"].partition(":")
    session: Any = Cluster([host], port=int(cassandra_port)).connect(os.environ["TEXTBOOK_KEYSPACE"])
    redis = Redis.from_url(os.environ["TEXTBOOK_REDIS"], decode_responses=name == "timelines")
    server = grpc.aio.server()
    if name == "timelines":
        stubs.add_TimelinesServicer_to_server(Timelines(redis, session), server)
    elif name == "posts":
        stubs.add_PostsServicer_to_server(Posts(redis, session), server)
    else:
        stubs.add_UsersServicer_to_server(Users(redis, session), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


def arguments(told: Sequence[str]) -> tuple[str, int]:
    return told[1], int(told[2])


if __name__ == "__main__":
    uvloop.run(main(*arguments(sys.argv)))
