"""Posts in bulk for those who build views, and counts anew."""

from functools import partial

import grpc
import pytest
import pytest_asyncio
from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.post.v1 import post_pb2 as pb
from heliograph.post.v1.scan_pb2 import ScanPostsRequest
from heliograph.post.v1.scan_pb2_grpc import ScanServiceStub, add_ScanServiceServicer_to_server
from heliograph.upkeep.v1.upkeep_pb2 import RebuildRequest
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceStub, add_UpkeepServiceServicer_to_server
from kit.errors import InvalidArgument
from kit.tasks import background
from kit.testing import Rpc, eventually
from post_service.rpc.upkeep import ScanRpc, UpkeepRpc
from redis.asyncio import Redis

from services.post.tests.contract.conftest import Service

ANN = 11


@pytest_asyncio.fixture
async def channel(service: Service, rpc: Rpc) -> grpc.aio.Channel:
    service.people.add(ANN, "ann")
    return await rpc(
        partial(add_ScanServiceServicer_to_server, ScanRpc(service.wired.scan.posts)),
        partial(add_UpkeepServiceServicer_to_server, UpkeepRpc(service.wired.recount)),
    )


async def test_a_scan_tells_every_post_as_its_last_event_did(service: Service, channel: grpc.aio.Channel) -> None:
    kept, deleted = await service.published(ANN, caption="#sun"), await service.published(ANN)
    waiting = await service.post(ANN, [(await service.studio.upload(ANN, b"x")).id])
    assert not waiting.published
    await service.stub.DeletePost(pb.DeletePostRequest(viewer_id=ANN, post_id=deleted.id))
    scan, events, after = ScanServiceStub(channel), list[PostEvent](), 0
    while True:
        page = await scan.ScanPosts(ScanPostsRequest(after_id=after, page_size=1))
        events += page.posts
        after = page.next_after_id
        if not after:
            break
    (told,) = [event for event in await service.studio.events() if event.WhichOneof("event") == "post_deleted"]
    live, gone = events
    assert (live.post_published.post.post_id, list(live.post_published.post.tags)) == (kept.id, ["sun"])
    assert gone == told


async def test_counts_that_are_wrong_or_lost_are_put_right(
    service: Service, channel: grpc.aio.Channel, redis_url: str
) -> None:
    wrong, lost = await service.published(ANN), await service.published(ANN)
    for post in (wrong, lost):
        await service.stub.LikePost(pb.LikePostRequest(viewer_id=ANN, post_id=post.id))
        asked = pb.CreateCommentRequest(viewer_id=ANN, post_id=post.id, text="hello")
        await service.stub.CreateComment(asked)
    async with Redis.from_url(redis_url) as redis:
        await redis.hset(f"post:counts:{{{wrong.id}}}", "likes", 77)  # type: ignore[misc]
        await redis.delete(f"post:counts:{{{lost.id}}}")
    upkeep, phases, token = UpkeepServiceStub(channel), list[str](), ""
    while True:
        step = await upkeep.Rebuild(RebuildRequest(view="counts", token=token))
        phases.append(f"{step.done} {step.phase}")
        token = step.next_token
        if not token:
            break
    assert phases == ["2 posts", "2 comments"]

    async def right() -> bool:
        counts = [(await service.get(ANN, post.id)).counts for post in (wrong, lost)]
        return all((one.likes, one.comments) == (1, 1) for one in counts)

    async with background(service.wired.tasks[-4:], grace=10):
        await eventually(right, timeout=20)


@pytest.mark.parametrize("request_", [RebuildRequest(view="likes"), RebuildRequest(view="counts", token="9:0")])
async def test_what_is_no_view_or_no_place_is_refused(channel: grpc.aio.Channel, request_: RebuildRequest) -> None:
    with pytest.raises(InvalidArgument):
        await UpkeepServiceStub(channel).Rebuild(request_)
