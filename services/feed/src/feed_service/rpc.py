"""FeedService of protos/heliograph/feed/v1, PersonalDataService of privacy/v1, UpkeepService of upkeep/v1."""

from heliograph.feed.v1 import feed_pb2 as pb
from heliograph.feed.v1.feed_pb2_grpc import FeedServiceServicer
from heliograph.post.v1.post_pb2 import Post
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import PersonalDataServiceServicer
from heliograph.upkeep.v1 import upkeep_pb2 as upkeep
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceServicer
from kit.errors import InvalidArgument
from kit.paging import page_size
from kit.server import Context

from feed_service.model import parse_token, parse_viewer
from feed_service.service import Erasure, HomeFeed, Rebuild


class FeedRpc(FeedServiceServicer):
    def __init__(self, feed: HomeFeed[Post]) -> None:
        self._feed = feed

    async def GetHomeFeed(self, request: pb.GetHomeFeedRequest, context: Context) -> pb.GetHomeFeedResponse:
        page = await self._feed.page(
            parse_viewer(request.viewer_id), page_size(request.page_size), parse_token(request.page_token)
        )
        return pb.GetHomeFeedResponse(posts=page.posts, next_page_token=page.next_token, degraded=page.degraded)


class PersonalRpc(PersonalDataServiceServicer):
    """All that is kept here are copies: there is nothing to export."""

    def __init__(self, erasure: Erasure) -> None:
        self._erasure = erasure

    async def Export(self, request: privacy.ExportRequest, context: Context) -> privacy.ExportResponse:
        return privacy.ExportResponse()

    async def Erase(self, request: privacy.EraseRequest, context: Context) -> privacy.EraseResponse:
        return privacy.EraseResponse(done=True, removed=await self._erasure.erase(request.user_id))


class UpkeepRpc(UpkeepServiceServicer):
    def __init__(self, rebuild: Rebuild) -> None:
        self._rebuild = rebuild

    async def Rebuild(self, request: upkeep.RebuildRequest, context: Context) -> upkeep.RebuildResponse:
        """One account's timeline is one step: at most 91 days of it."""
        if request.view != "timeline":
            raise InvalidArgument("UNKNOWN_VIEW", "the views here are timeline")
        rows = await self._rebuild.whole(parse_viewer(request.user_id))
        return upkeep.RebuildResponse(done=rows, phase="rows")
