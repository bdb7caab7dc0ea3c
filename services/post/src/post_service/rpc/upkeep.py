"""heliograph.upkeep.v1.UpkeepService and heliograph.post.v1.ScanService: for building views anew."""

from collections.abc import Awaitable, Callable, Sequence

from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.post.v1 import scan_pb2
from heliograph.post.v1.scan_pb2_grpc import ScanServiceServicer
from heliograph.upkeep.v1 import upkeep_pb2 as pb
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceServicer
from kit.errors import InvalidArgument
from kit.paging import page_size
from kit.server import Context

from post_service.events import encode
from post_service.model.changes import PostDeleted, PostPublished
from post_service.service.upkeep import Recount

UPKEEP = pb.DESCRIPTOR.services_by_name["UpkeepService"].full_name
SCAN = scan_pb2.DESCRIPTOR.services_by_name["ScanService"].full_name
_MOST = 500

Posts = Callable[[int, int], Awaitable[tuple[Sequence[PostPublished | PostDeleted], int]]]


class UpkeepRpc(UpkeepServiceServicer):
    def __init__(self, recount: Recount) -> None:
        self._recount = recount

    async def Rebuild(self, request: pb.RebuildRequest, context: Context) -> pb.RebuildResponse:
        if request.view != "counts":
            raise InvalidArgument("UNKNOWN_VIEW", "the views here are counts")
        done, token, phase = await self._recount.step(request.token)
        return pb.RebuildResponse(done=done, next_token=token, phase=phase)


class ScanRpc(ScanServiceServicer):
    def __init__(self, posts: Posts) -> None:
        self._posts = posts

    async def ScanPosts(self, request: scan_pb2.ScanPostsRequest, context: Context) -> scan_pb2.ScanPostsResponse:
        size = page_size(request.page_size, default=_MOST, cap=_MOST)
        found, following = await self._posts(request.after_id, size)
        told = [PostEvent.FromString(encode(change).payload) for change in found]
        return scan_pb2.ScanPostsResponse(posts=told, next_after_id=following)
