"""The service's own processes as they run in production, between real servers and peers in memory."""

import asyncio
import itertools
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.message import Message as ProtobufMessage
from heliograph.events.v1.graph_events_pb2 import Followed, GraphEvent, Unfollowed
from heliograph.events.v1.post_events_pb2 import PostDeleted, PostEvent, PostPublished, PostSnapshot
from heliograph.feed.v1.feed_pb2 import (
    GetHomeFeedRequest,
    GetHomeFeedResponse,
    GetHomePageRequest,
    GetHomePageResponse,
    NoteChangeRequest,
)
from heliograph.feed.v1.feed_pb2_grpc import FeedServiceStub
from kit.client import channel
from kit.ids import first_at
from kit.kafka import Message, Producer
from kit.server import running
from kit.settings import ProcessSettings

from services.feed.tests.contract.peers import FragmentPeer, GraphPeer, PostPeer
from services.feed.tests.definition import Truth
from services.feed.tests.truth_fakes import FakeGraph, FakePosts

TOPICS = (
    *("user.v1", "post.v1", "graph.v1", "engagement.v1", "feed.v1"),
    *("fanout.small.v1", "fanout.large.v1", "fanout.warm.v1"),
)


@dataclass
class System:
    """What people do is committed at the peers, then told to Kafka, as the outbox does it."""

    variables: Mapping[str, str]
    producer: Producer
    logs: Path
    truth: Truth = field(default_factory=Truth)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.graph, self.posts = FakeGraph(self.truth), FakePosts(self.truth)

    @asynccontextmanager
    async def peers(self) -> AsyncGenerator["System"]:
        async with AsyncExitStack() as stack:
            services = {"GRAPH": [GraphPeer(self.graph)], "POST": [PostPeer(self.posts), FragmentPeer(self.posts)]}
            for name, peers in services.items():
                settings = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=0)
                registers, names = [peer.register for peer in peers], [peer.name for peer in peers]
                served = running(settings, "peer", register=registers, names=names)
                port = (await stack.enter_async_context(served)).port
                self.variables = {**self.variables, f"HELIOGRAPH_{name}_TARGET": f"127.0.0.1:{port}"}
            yield self

    @asynccontextmanager
    async def process(self, command: str, **changed: str) -> AsyncGenerator[Process]:
        """Killed at the end of the block if it still runs."""
        with self._log(command).open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "feed_service", *command.split()],
                env={**_others(), **self.variables, **changed},
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    @asynccontextmanager
    async def serving(self, **changed: str) -> AsyncGenerator["Reader"]:
        async with self.process("serve", HELIOGRAPH_LISTEN="127.0.0.1:0", **changed) as process:
            port = await self._port(process)
            async with channel(f"127.0.0.1:{port}", service="feed", seconds=10) as opened:
                yield Reader(FeedServiceStub(opened))

    async def run(self, command: str) -> str:
        async with self.process(command) as process:
            assert await process.wait() == 0, self._log(command).read_text()
        return self._log(command).read_text()

    def next_id(self) -> int:
        return first_at(datetime.now(UTC)) + next(self.numbers)

    async def follow(self, follower_id: int, followee_id: int) -> None:
        self.graph.follows.add((follower_id, followee_id))
        event = Followed(follower_id=follower_id, followee_id=followee_id, change_id=self.next_id())
        await self.tell_graph(follower_id, followee_id, GraphEvent(followed=event))

    async def unfollow(self, follower_id: int, followee_id: int) -> None:
        self.graph.follows.discard((follower_id, followee_id))
        event = Unfollowed(follower_id=follower_id, followee_id=followee_id, change_id=self.next_id())
        await self.tell_graph(follower_id, followee_id, GraphEvent(unfollowed=event))

    async def publish(self, author_id: int) -> int:
        post = self.next_id()
        self.posts.authors[post] = author_id
        snapshot = PostSnapshot(post_id=post, author_id=author_id)
        await self.tell("post.v1", str(post), PostEvent(post_published=PostPublished(post=snapshot)))
        return post

    async def delete(self, post_id: int) -> None:
        event = PostDeleted(post_id=post_id, author_id=self.posts.authors.pop(post_id))
        await self.tell("post.v1", str(post_id), PostEvent(post_deleted=event))

    async def tell_graph(self, one: int, other: int, event: GraphEvent) -> None:
        await self.tell("graph.v1", f"{min(one, other)}:{max(one, other)}", event)

    async def tell(self, topic: str, key: str, event: ProtobufMessage) -> None:
        await self.producer.send(Message(topic=topic, key=key, type="", value=event.SerializeToString()))

    async def _port(self, process: Process) -> int:
        async with asyncio.timeout(60):
            while process.returncode is None:
                lines = self._log("serve").read_text().splitlines()
                said = [json.loads(line) for line in lines if '"serving"' in line]
                if said:
                    return said[0]["port"]
                await asyncio.sleep(0.05)
        raise AssertionError(self._log("serve").read_text())

    def _log(self, command: str) -> Path:
        return self.logs / f"{command.split()[0]}.log"


@dataclass(frozen=True)
class Reader:
    stub: FeedServiceStub

    async def page(self, viewer_id: int, size: int = 100, token: str = "") -> GetHomeFeedResponse:
        return await self.stub.GetHomeFeed(
            GetHomeFeedRequest(viewer_id=viewer_id, page_size=size, page_token=token), timeout=10
        )

    async def sent(self, viewer_id: int, size: int = 100, token: str = "") -> GetHomePageResponse:
        return await self.stub.GetHomePage(
            GetHomePageRequest(viewer_id=viewer_id, page_size=size, page_token=token), timeout=10
        )

    async def note(self, change: NoteChangeRequest) -> None:
        await self.stub.NoteChange(change, timeout=10)

    async def read(self, viewer_id: int) -> list[int]:
        """As clients get it."""
        return [int(post["id"]) for post in json.loads((await self.sent(viewer_id)).items)]

    async def liked(self, viewer_id: int) -> list[int]:
        posts = json.loads((await self.sent(viewer_id)).items)
        return [int(post["id"]) for post in posts if post["viewer"]["liked"]]

    async def likes(self, viewer_id: int) -> list[int]:
        """How many each post of the first page has."""
        return [post["counts"]["likes"] for post in json.loads((await self.sent(viewer_id)).items)]

    async def shows(self, viewer_id: int, posts: list[int]) -> bool:
        return await self.read(viewer_id) == posts


def _others() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")}
