"""The gateway: `python -m bench.textbook.gateway PORT`. One route."""

import asyncio
import json
import os
import sys
import time
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import grpc
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from redis.asyncio import Redis

from bench.textbook import answers
from bench.textbook import textbook_pb2 as pb
from bench.textbook.textbook_pb2_grpc import PostsStub, TimelinesStub, UsersStub

_PER_MINUTE = 1800
_BEARER = HTTPBearer()


@dataclass(frozen=True)
class Stubs:
    timelines: TimelinesStub
    posts: PostsStub
    users: UsersStub


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    told = os.environ
    app.state.keys = KeySet.import_key_set(json.loads(told["TEXTBOOK_JWKS"]))
    app.state.redis = Redis.from_url(told["TEXTBOOK_REDIS"])
    channels = [grpc.aio.insecure_channel(told[f"TEXTBOOK_{name}"]) for name in ("TIMELINES", "POSTS", "USERS")]
    timelines, posts, users = channels
    app.state.stubs = Stubs(TimelinesStub(timelines), PostsStub(posts), UsersStub(users))
    yield
    for channel in channels:
        await channel.close()


app = FastAPI(lifespan=lifespan)


async def viewer(request: Request, sent: Annotated[HTTPAuthorizationCredentials, Depends(_BEARER)]) -> int:
    try:
        claims = jwt.decode(sent.credentials, request.app.state.keys, algorithms=["EdDSA"]).claims
    except JoseError:
        raise HTTPException(401, "the access token is not valid") from None
    if claims["exp"] < time.time():
        raise HTTPException(401, "the access token has expired")
    return int(claims["sub"])


async def limited(request: Request, viewer_id: Annotated[int, Depends(viewer)]) -> int:
    key = f"textbook:limit:{viewer_id}:{int(time.time()) // 60}"
    pipe = request.app.state.redis.pipeline(transaction=False)
    pipe.incr(key)
    pipe.expire(key, 60)
    count, _ = await pipe.execute()
    if count > _PER_MINUTE:
        raise HTTPException(429, "too many requests")
    return viewer_id


@app.get("/v1/me/feed", response_model=answers.Feed)
async def home(
    request: Request, viewer_id: Annotated[int, Depends(limited)], limit: Annotated[int, Query(le=100)] = 20
) -> answers.Feed:
    services: Stubs = request.app.state.stubs
    timeline = await services.timelines.Home(pb.HomeRequest(user_id=viewer_id, limit=limit))
    ids = [entry.post_id for entry in timeline.entries]
    authors = list({entry.author_id for entry in timeline.entries})
    posts, users = await asyncio.gather(
        services.posts.BatchGet(pb.BatchGetPostsRequest(viewer_id=viewer_id, ids=ids)),
        services.users.BatchGet(pb.BatchGetUsersRequest(ids=authors)),
    )
    known = {user.id: user for user in users.users}
    items = [answers.post(post, known[post.author_id]) for post in posts.posts if post.author_id in known]
    return answers.Feed(items=items, next=items[-1].id if len(items) == limit else None)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
