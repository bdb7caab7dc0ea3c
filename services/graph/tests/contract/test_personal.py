"""What stands between an account and all others: handed out whole, and gone for good."""

import json
from collections import defaultdict
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import pytest
from graph_service.events import event_of, user_handlers
from graph_service.model.mutes import End
from graph_service.model.relations import Account, Change, Kind, Step
from graph_service.rpc.personal import PersonalRpc
from heliograph.events.v1.user_events_pb2 import AccountErased
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import (
    PersonalDataServiceStub,
    add_PersonalDataServiceServicer_to_server,
)
from kit.testing import Rpc
from redis.asyncio import Redis

from services.graph.tests.events import told
from services.graph.tests.world import World

ANN, BEN, CID, DOT, EVE, FAY = 97, 2, 3, 4, 5, 6
_OWN = {"outbox", "alembic_version", "erased_accounts"}


@pytest.fixture
async def personal(world: World, rpc: Rpc) -> PersonalDataServiceStub:
    servicer = PersonalRpc(world.one.personal)
    return PersonalDataServiceStub(await rpc(partial(add_PersonalDataServiceServicer_to_server, servicer)))


@pytest.fixture
async def redis(redis_url: str) -> AsyncGenerator[Any]:
    async with Redis.from_url(redis_url) as opened:
        yield opened


async def meet(world: World) -> None:
    """Everything that there can be between Ann and others, and something between others."""
    changes = world.one.changes
    world.users.private |= {ANN, DOT}
    for follower in (BEN, EVE):
        await changes.follow(follower, ANN)
        await changes.accept(ANN, follower)
    for followee in (BEN, CID, DOT):
        await changes.follow(ANN, followee)
    await changes.follow(CID, ANN)
    await changes.follow(BEN, CID)
    await changes.block(ANN, FAY)
    await changes.block(FAY, ANN)
    await changes.mute(ANN, BEN, End())
    await changes.mute(DOT, ANN, End())
    await changes.add_close_friend(ANN, BEN)
    await changes.add_close_friend(EVE, ANN)
    for viewer, dismissed in ((ANN, 50), (51, ANN)):
        asked = pb.DismissSuggestionRequest(viewer_id=viewer, user_id=dismissed)
        await world.one.stub.DismissSuggestion(asked)
    for user, tag in ((ANN, "dusk"), (ANN, "berlin"), (BEN, "dusk")):
        await world.one.stub.FollowTag(pb.FollowTagRequest(viewer_id=user, tag=tag))
    await world.one.news.state_changed(Account(ANN, private=True, version=5), active=False)


async def erase(stub: PersonalDataServiceStub, user_id: int) -> int:
    removed = 0
    while True:
        answer = await stub.Erase(privacy.EraseRequest(user_id=user_id))
        removed += answer.removed
        if answer.done:
            return removed


async def rows_of(world: World, user_id: int) -> dict[str, int]:
    """How many rows name the account, by table: whatever column of numbers it may be in."""
    pool = world.postgres.primary
    columns = await pool.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' "
        "and data_type = 'bigint'"
    )
    found: dict[str, int] = defaultdict(int)
    for table, column in columns:
        if table not in _OWN:
            found[table] += await pool.fetchval(f'select count(*) from "{table}" where "{column}" = $1', user_id)
    return {table: count for table, count in found.items() if count}


async def counts(world: World, user_id: int) -> tuple[int, int]:
    (found,) = (await world.one.stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=[user_id]))).counts
    return found.followers, found.following


async def test_an_export_holds_every_list(world: World, personal: PersonalDataServiceStub) -> None:
    await meet(world)
    files: dict[str, bytes] = defaultdict(bytes)
    token = ""
    while True:
        answer = await personal.Export(privacy.ExportRequest(user_id=ANN, page_token=token))
        for file in answer.files:
            files[file.path] += file.content
        token = answer.next_page_token
        if not token:
            break
    tags = json.loads(files.pop("followed_tags.json"))
    assert [row["tag"] for row in tags] == ["berlin", "dusk"]
    lists = {path: [int(row["user_id"]) for row in json.loads(content)] for path, content in files.items()}
    assert lists == {
        "following.json": [BEN, CID],
        "followers.json": [BEN, EVE],
        "requests_sent.json": [DOT],
        "requests_received.json": [CID],
        "blocks.json": [FAY],
        "mutes.json": [BEN],
        "close_friends.json": [BEN],
    }


async def test_an_erasure_leaves_nothing_of_the_account_and_all_of_others(
    world: World, personal: PersonalDataServiceStub
) -> None:
    await meet(world)
    tables = await world.postgres.primary.fetch("select tablename from pg_tables where schemaname = 'public'")
    about_accounts = {row["tablename"] for row in tables} - _OWN - {"relation_cache_switch", "account_counts"}
    assert set(await rows_of(world, ANN)) >= about_accounts  # so that no table is forgotten here
    assert await erase(personal, ANN) > 8
    assert await rows_of(world, ANN) == {}
    assert (await counts(world, BEN), await counts(world, CID)) == ((0, 1), (1, 0))
    assert await rows_of(world, BEN)


async def test_others_hear_of_what_ends(world: World, personal: PersonalDataServiceStub) -> None:
    await meet(world)
    await erase(personal, ANN)
    lines = await told(world.postgres)
    ended = {
        f"{BEN} unfollowed {ANN}",
        f"{ANN} unfollowed {CID}",
        f"{ANN} follow_request_withdrawn {DOT}",
        f"{CID} follow_request_withdrawn {ANN}",
        f"{FAY} unblocked {ANN}",
        f"{ANN} tag_unfollowed dusk",
        f"{ANN} tag_unfollowed berlin",
    }
    assert ended <= set(lines)
    assert f"{BEN} unfollowed {CID}" not in lines
    assert f"{BEN} tag_unfollowed dusk" not in lines


async def test_what_is_told_late_brings_nothing_back(
    world: World, personal: PersonalDataServiceStub, redis: Any
) -> None:
    await meet(world)
    await erase(personal, ANN)
    for kind in (Kind.FOLLOWED, Kind.UNFOLLOWED, Kind.MUTED):
        change = Change(Step(kind, EVE, ANN), 7, world.clock())
        event = event_of(change)
        assert event.key == f"{EVE}:{ANN}"
        await world.other.changes.settle(change)
    await world.other.news.state_changed(Account(ANN, private=True, version=6), active=False)
    await user_handlers(world.other.news, world.other.personal)["account_erased"](
        AccountErased(user_id=ANN),
        None,  # type: ignore[arg-type] it does not matter where it came from
    )
    assert await rows_of(world, ANN) == {}
    # Which changes were counted is known for a quarter of an hour, whoever's they were.
    assert not [key for key in await redis.keys() if f"{{{ANN}}}" in str(key) and b":applied:" not in key]
    for other in (BEN, CID, DOT, EVE, FAY):
        assert not await redis.hexists(f"graph:relations:1:{{{other}}}", str(ANN))


async def test_erasing_nobody_is_done_at_once(personal: PersonalDataServiceStub) -> None:
    answer = await personal.Erase(privacy.EraseRequest(user_id=98))
    assert (answer.done, answer.removed) == (True, 0)
