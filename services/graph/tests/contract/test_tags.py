"""Followed tags and packed relations, as callers meet them."""

import struct
from datetime import timedelta

import pytest
from graph_service import events
from graph_service.model.mutes import End
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.consumer import Delivery
from kit.errors import FailedPrecondition, InvalidArgument, Unauthenticated
from kit.proto import datetime_of
from kit.testing import eventually

from services.graph.tests.events import told
from services.graph.tests.world import World

ANN, BEN, CID, DAN, EVE = 1, 2, 3, 4, 5


async def follow(stub: GraphServiceStub, viewer: int, tag: str) -> str:
    return (await stub.FollowTag(pb.FollowTagRequest(viewer_id=viewer, tag=tag))).tag


async def unfollow(stub: GraphServiceStub, viewer: int, tag: str) -> None:
    await stub.UnfollowTag(pb.UnfollowTagRequest(viewer_id=viewer, tag=tag))


async def followed(stub: GraphServiceStub, viewer: int, size: int = 100, token: str = "") -> tuple[list[str], str]:
    asked = pb.ListFollowedTagsRequest(viewer_id=viewer, page_size=size, page_token=token)
    answer = await stub.ListFollowedTags(asked)
    return list(answer.tags), answer.next_page_token


async def seen(stub: GraphServiceStub, viewer: int, tag: str) -> tuple[str, bool]:
    answer = await stub.GetTag(pb.GetTagRequest(viewer_id=viewer, tag=tag))
    return answer.tag, answer.following


async def test_a_tag_is_followed_once_however_it_is_typed(stub: GraphServiceStub, world: World):
    assert [await follow(stub, ANN, typed) for typed in ("#Straße", "STRASSE", "strasse")] == ["strasse"] * 3
    assert await followed(stub, ANN) == (["strasse"], "")
    assert (await seen(stub, ANN, "#STRASSE"), await seen(stub, BEN, "Straße")) == (
        ("strasse", True),
        ("strasse", False),
    )
    assert await seen(stub, 0, "Straße") == ("strasse", False)

    for typed in ("＃Straße", "strasse"):
        await unfollow(stub, ANN, typed)
    assert await followed(stub, ANN) == ([], "")
    assert await told(world.postgres) == [f"{ANN} tag_followed strasse", f"{ANN} tag_unfollowed strasse"]


async def test_tags_are_listed_newest_first_in_pages_that_miss_and_repeat_none(stub: GraphServiceStub):
    tags = [f"t{number}" for number in range(5)]
    for tag in tags:
        await follow(stub, ANN, tag)
    await follow(stub, BEN, "dusk")
    await follow(stub, ANN, "t0")  # is there already: stays where it is

    first, token = await followed(stub, ANN, 2)
    second, token = await followed(stub, ANN, 2, token)
    third, end = await followed(stub, ANN, 2, token)
    assert (first + second + third, end) == (tags[::-1], "")


async def test_what_is_refused(stub: GraphServiceStub, world: World):
    for call in (follow, unfollow, seen):
        with pytest.raises(InvalidArgument) as refused:
            await call(stub, ANN, "no tag")
        assert (refused.value.reason, refused.value.fields[0].field) == ("INVALID_FIELD", "/tag")
    for call in (follow, unfollow):
        with pytest.raises(Unauthenticated):
            await call(stub, 0, "dusk")
    with pytest.raises(Unauthenticated):
        await followed(stub, 0)
    with pytest.raises(InvalidArgument) as bad_token:
        await followed(stub, ANN, token="x")
    assert bad_token.value.reason == "BAD_PAGE_TOKEN"

    await world.postgres.primary.execute("insert into tag_follows select 1, 't' || n, n from generate_series(1, 200) n")
    with pytest.raises(FailedPrecondition) as full:
        await follow(stub, ANN, "dusk")
    assert full.value.reason == "TOO_MANY_TAGS"
    assert await follow(stub, ANN, "t7") == "t7"
    assert await told(world.postgres) == []


async def test_changes_of_a_tag_arrive_under_its_key(world: World, running: list[Delivery]):
    await follow(world.one.stub, ANN, "#Dusk")
    await unfollow(world.one.stub, ANN, "dusk")
    await world.one.changes.follow(ANN, BEN)

    async def all_heard() -> bool:
        return len(running) == 3

    await eventually(all_heard, timeout=30)
    of_tag = [delivery for delivery in running if delivery.key == "1:#dusk"]
    assert [delivery.type.rpartition(".")[2] for delivery in of_tag] == ["TagFollowed", "TagUnfollowed"]
    assert {delivery.topic for delivery in of_tag} == {events.TOPIC}


def ids(packed: bytes) -> list[int]:
    return list(struct.unpack(f">{len(packed) // 8}q", packed))


async def pack(stub: GraphServiceStub, user: int, after: int = 0, size: int = 0) -> pb.PackRelationsResponse:
    return await stub.PackRelations(pb.PackRelationsRequest(user_id=user, after_id=after, page_size=size))


async def test_packed_relations_are_those_of_the_last_answered_change(world: World):
    stub, changes = world.one.stub, world.one.changes
    for followee in (BEN, CID, EVE):
        await changes.follow(ANN, followee)
    await changes.block(DAN, ANN)
    await changes.add_close_friend(BEN, ANN)
    await changes.mute(ANN, BEN, End())
    await changes.mute(ANN, CID, End(seconds=60))
    await follow(stub, ANN, "Dusk")

    page = await pack(world.other.stub, ANN)
    assert (ids(page.following), ids(page.blocked)) == ([BEN, CID, EVE], [DAN])
    assert (ids(page.close_friend_of), ids(page.muted)) == ([BEN], [BEN])
    assert [(mute.user_id, datetime_of(mute.until)) for mute in page.timed_mutes] == [
        (CID, (await changes.mute(ANN, CID, End(seconds=60))).muted_until)
    ]
    assert (list(page.tags), page.next_after_id) == (["dusk"], 0)

    await changes.block(ANN, EVE)
    await changes.unfollow(ANN, BEN)
    await changes.remove_close_friend(BEN, ANN)
    await changes.unmute(ANN, BEN)
    world.clock.forward(timedelta(hours=1).total_seconds())
    page = await pack(world.other.stub, ANN)
    assert (ids(page.following), ids(page.blocked)) == ([CID], [DAN, EVE])
    assert (page.close_friend_of, page.muted, list(page.timed_mutes)) == (b"", b"", [])
    assert ids((await pack(stub, DAN)).blocked) == [ANN]


async def test_pages_of_packed_relations_go_by_account(world: World):
    stub, changes = world.one.stub, world.one.changes
    await changes.follow(ANN, BEN)
    await changes.mute(ANN, BEN, End())
    await changes.block(CID, ANN)
    await changes.follow(ANN, DAN)
    await follow(stub, ANN, "dusk")

    first = await pack(stub, ANN, size=2)
    assert (ids(first.following), ids(first.muted), ids(first.blocked)) == ([BEN], [BEN], [CID])
    assert (list(first.tags), first.next_after_id) == (["dusk"], CID)
    last = await pack(stub, ANN, after=CID, size=2)
    assert (ids(last.following), list(last.tags), last.next_after_id) == ([DAN], [], 0)
    with pytest.raises(InvalidArgument):
        await pack(stub, ANN, size=-1)
