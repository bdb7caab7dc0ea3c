"""The feed service is told of changes before they are answered, and no change waits or fails for it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from gateway_world import ADA, Client, World
from google.protobuf.message import Message
from heliograph.feed.v1 import feed_pb2
from heliograph.graph.v1 import graph_pb2
from heliograph.post.v1 import post_pb2
from kit.errors import Internal, NotFound
from prometheus_client import REGISTRY

BEN = 116045278314958849
PHOTO = {"media_ids": ["5"], "caption": "x"}

RELATIONS: list[tuple[str, str, list[int]]] = [
    ("PUT", f"/v1/users/{BEN}/follow", [ADA]),
    ("DELETE", f"/v1/users/{BEN}/follow", [ADA]),
    ("PUT", f"/v1/users/{BEN}/block", [ADA, BEN]),
    ("DELETE", f"/v1/users/{BEN}/block", [ADA, BEN]),
    ("PUT", f"/v1/users/{BEN}/mute", [ADA]),
    ("DELETE", f"/v1/users/{BEN}/mute", [ADA]),
    ("PUT", f"/v1/me/follow-requests/{BEN}/accept", [BEN]),
    ("DELETE", f"/v1/me/followers/{BEN}", [BEN]),
    ("PUT", f"/v1/me/close-friends/{BEN}", [BEN]),
    ("DELETE", f"/v1/me/close-friends/{BEN}", [BEN]),
    ("PUT", "/v1/tags/dusk/follow", [ADA]),
    ("DELETE", "/v1/tags/dusk/follow", [ADA]),
]


CHANGES = (
    "Follow", "Unfollow", "Block", "Unblock", "Mute", "Unmute", "AcceptFollowRequest", "RemoveFollower",
    "AddCloseFriend", "RemoveCloseFriend",
)  # fmt: skip


def _notes(world: World) -> list[feed_pb2.NoteChangeRequest]:
    return list(world.feed.asked(feed_pb2.NoteChangeRequest))


def _count(outcome: str) -> float:
    return REGISTRY.get_sample_value("heliograph_gateway_notes_total", {"outcome": outcome}) or 0


@pytest_asyncio.fixture
async def posts(world: World) -> AsyncGenerator[None]:
    post = world.post_of(ADA, 7)
    world.post.answer("CreatePost", post_pb2.CreatePostResponse(post=post))
    world.post.answer("UpdatePost", post_pb2.UpdatePostResponse(post=post))
    world.post.answer("LikePost", post_pb2.LikePostResponse(change_id=41))
    world.post.answer("UnlikePost", post_pb2.UnlikePostResponse(change_id=42))
    yield


def _changing(world: World, *, changed: bool) -> None:
    for name in CHANGES:
        world.graph.answer(name, getattr(graph_pb2, f"{name}Response")(changed=changed))


async def test_changes_of_relations_are_told(ada: Client, world: World):
    _changing(world, changed=True)
    for method, path, told in RELATIONS:
        assert (await ada.request(method, path)).status_code in (200, 204), path
        note = _notes(world)[-1]
        assert list(note.relations_changed.user_ids) == told, path
    assert len(_notes(world)) == len(RELATIONS)


async def test_what_was_so_already_is_not_told(ada: Client, world: World):
    _changing(world, changed=False)
    for method, path, _ in RELATIONS:
        if "/tags/" not in path:
            assert (await ada.request(method, path)).is_success, path
    assert _notes(world) == []


@pytest.mark.parametrize("path", [f"/v1/users/{BEN}/block", f"/v1/me/close-friends/{BEN}", f"/v1/me/followers/{BEN}"])
async def test_one_account_can_be_changed_for_only_so_often(world: World, path: str):
    _changing(world, changed=True)
    app, _ = await world.gateway(rate_limits="write.pair=3/3600")
    client = await world.client(app, world.token())
    answers = [await client.delete(path) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert "retry-after" in answers[-1].headers
    assert len(_notes(world)) == 3
    other = path.replace(str(BEN), str(BEN + 1))
    assert (await client.delete(other)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/v1/posts", PHOTO, {"posted": feed_pb2.Posted(author_id=ADA, post_id=7)}),
        ("POST", "/v1/me/feed", PHOTO, {"posted": feed_pb2.Posted(author_id=ADA, post_id=7)}),
        ("PATCH", "/v1/posts/7", {"caption": "y"}, {"post_changed": feed_pb2.PostChanged(post_id=7)}),
        ("DELETE", "/v1/posts/7", None, {"post_changed": feed_pb2.PostChanged(post_id=7)}),
        (
            "PUT", "/v1/posts/7/like", None,
            {"liked": feed_pb2.Liked(user_id=ADA, post_id=7, liked=True, change_id=41)},
        ),
        ("DELETE", "/v1/posts/7/like", None, {"liked": feed_pb2.Liked(user_id=ADA, post_id=7, change_id=42)}),
    ],
)  # fmt: skip
async def test_changes_of_posts_are_told(
    ada: Client, world: World, posts: None, method: str, path: str, body: Any, told: dict[str, Message]
):
    assert (await ada.request(method, path, json=body)).is_success
    assert _notes(world) == [feed_pb2.NoteChangeRequest(**told)]  # pyright: ignore[reportArgumentType] one of them


async def test_a_like_that_was_there_already_is_not_told(ada: Client, world: World):
    world.post.answer("LikePost", post_pb2.LikePostResponse(change_id=0))
    assert (await ada.put("/v1/posts/7/like")).status_code == 200
    assert _notes(world) == []


async def test_a_change_that_failed_is_not_told(ada: Client, world: World):
    world.graph.answer("Block", NotFound("USER_NOT_FOUND", "there is no such user"))
    assert (await ada.put(f"/v1/users/{BEN}/block")).status_code == 404
    assert _notes(world) == []


async def test_what_is_told_was_done_before(ada: Client, world: World):
    order: list[str] = []

    def block(_: object) -> graph_pb2.BlockResponse:
        order.append("block")
        return graph_pb2.BlockResponse(changed=True)

    def note(_: object) -> feed_pb2.NoteChangeResponse:
        order.append("note")
        return feed_pb2.NoteChangeResponse()

    world.graph.answer("Block", block)
    world.feed.answer("NoteChange", note)
    await ada.put(f"/v1/users/{BEN}/block")
    assert order == ["block", "note"]


async def test_a_feed_that_fails_fails_no_change(ada: Client, world: World, posts: None):
    world.feed.answer("NoteChange", Internal("INTERNAL", "internal error"))
    before = _count("failed")
    assert (await ada.put("/v1/posts/7/like")).status_code == 200
    assert _count("failed") == before + 1


async def test_a_feed_that_hangs_costs_two_changes_a_quarter_of_a_second_and_the_others_nothing(
    ada: Client, world: World, posts: None, capsys: pytest.CaptureFixture[str]
):
    async def late(_: object) -> feed_pb2.NoteChangeResponse:
        await asyncio.sleep(30)
        return feed_pb2.NoteChangeResponse()

    world.feed.answer("NoteChange", late)
    failed, skipped = _count("failed"), _count("skipped")
    seconds: list[float] = []
    for _ in range(5):
        began = time.monotonic()
        assert (await ada.put("/v1/posts/7/like")).status_code == 200
        seconds.append(time.monotonic() - began)
    assert (_count("failed") - failed, _count("skipped") - skipped) == (2, 3)
    assert max(seconds[:2]) < 1
    assert sum(seconds[2:]) < 0.24 * 3  # none of them waited
    assert capsys.readouterr().out.count("cannot be told") == 1


async def test_a_feed_that_is_away_is_told_again_when_it_is_back(world: World, posts: None):
    app, _ = await world.gateway()
    client = await world.client(app, world.token())
    world.feed.answer("NoteChange", Internal("INTERNAL", "internal error"))
    for _ in range(3):
        await client.put("/v1/posts/7/like")
    assert len(_notes(world)) == 2
    world.feed.answer("NoteChange", feed_pb2.NoteChangeResponse())
    told = _count("told")
    async with asyncio.timeout(5):
        while _count("told") == told:
            assert (await client.put("/v1/posts/7/like")).status_code == 200
            await asyncio.sleep(0.1)
    assert (await client.put("/v1/posts/7/like")).status_code == 200
    assert _count("told") == told + 2


async def test_without_a_feed_service_changes_are_answered(world: World, posts: None):
    app, _ = await world.gateway(feed_target="127.0.0.1:1")
    client = await world.client(app, world.token())
    for _ in range(4):
        assert (await client.put("/v1/posts/7/like")).status_code == 200
