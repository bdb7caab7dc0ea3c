"""FeedService of protos/heliograph/feed/v1, PersonalDataService of privacy/v1, UpkeepService of upkeep/v1."""

from collections.abc import Mapping

from heliograph.feed.v1 import feed_pb2 as pb
from heliograph.feed.v1.feed_pb2_grpc import FeedServiceServicer
from heliograph.post.v1.post_pb2 import Post
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import PersonalDataServiceServicer
from heliograph.upkeep.v1 import upkeep_pb2 as upkeep
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceServicer, VerifyServiceServicer
from kit.errors import InvalidArgument
from kit.paging import page_size
from kit.server import Context

from feed_service.model import Entry, Shown, compose, parse_token, parse_viewer
from feed_service.ranking import Ranked
from feed_service.service import Erasure, Fragments, HomeFeed, Notes, Rebuild, Verify

_ORDERS: Mapping[int, str] = {pb.ORDER_LATEST: "latest", pb.ORDER_TOP: "top"}


class FeedRpc(FeedServiceServicer):
    def __init__(
        self, feed: HomeFeed[Post], pages: HomeFeed[Shown], notes: Notes, fragments: Fragments, ranked: Ranked
    ) -> None:
        self._top, self._seen, self._why = ranked.top, ranked.seen, ranked.why
        self._feed, self._pages, self._notes, self._fragments = feed, pages, notes, fragments

    async def GetHomeFeed(self, request: pb.GetHomeFeedRequest, context: Context) -> pb.GetHomeFeedResponse:
        page = await self._feed.page(
            parse_viewer(request.viewer_id), page_size(request.page_size), parse_token(request.page_token)
        )
        return pb.GetHomeFeedResponse(posts=page.posts, next_page_token=page.next_token, degraded=page.degraded)

    async def GetHomePage(self, request: pb.GetHomePageRequest, context: Context) -> pb.GetHomePageResponse:
        if request.order == pb.ORDER_TOP:
            return await self._top_page(request)
        page = await self._pages.page(
            parse_viewer(request.viewer_id), page_size(request.page_size), parse_token(request.page_token)
        )
        return pb.GetHomePageResponse(
            items=compose(page.posts), next_page_token=page.next_token, degraded=page.degraded
        )

    async def NoteChange(self, request: pb.NoteChangeRequest, context: Context) -> pb.NoteChangeResponse:
        match request.WhichOneof("change"):
            case "posted":
                await self._notes.posted(Entry(request.posted.post_id, request.posted.author_id))
            case "liked":
                liked = request.liked
                await self._notes.liked(liked.user_id, liked.post_id, liked.change_id, liked=liked.liked)
            case "relations_changed":
                await self._notes.relations_changed(request.relations_changed.user_ids)
            case "post_changed":
                self._fragments.drop(request.post_changed.post_id)
            case _:
                pass  # of a newer caller
        return pb.NoteChangeResponse()

    async def MarkSeen(self, request: pb.MarkSeenRequest, context: Context) -> pb.MarkSeenResponse:
        viewer_id, order = parse_viewer(request.viewer_id), _ORDERS.get(request.order, "")
        return pb.MarkSeenResponse(recorded=await self._seen.mark(viewer_id, request.post_ids, order))

    async def ExplainPost(self, request: pb.ExplainPostRequest, context: Context) -> pb.ExplainPostResponse:
        found = await self._why.explain(parse_viewer(request.viewer_id), request.post_id)
        reasons = [
            pb.Reason(feature=one.feature, value=one.value, contribution=one.contribution) for one in found.reasons
        ]
        return pb.ExplainPostResponse(score=found.score, reasons=reasons)

    async def _top_page(self, request: pb.GetHomePageRequest) -> pb.GetHomePageResponse:
        page = await self._top.page(parse_viewer(request.viewer_id), page_size(request.page_size), request.page_token)
        items = b"[" + b",".join(page.items) + b"]"
        return pb.GetHomePageResponse(items=items, next_page_token=page.next_token, degraded=page.degraded)


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
        _only_timelines(request.view)
        rows = await self._rebuild.whole(parse_viewer(request.user_id))
        return upkeep.RebuildResponse(done=rows, phase="rows")


class VerifyRpc(VerifyServiceServicer):
    def __init__(self, verify: Verify) -> None:
        self._verify = verify

    async def Verify(self, request: upkeep.VerifyRequest, context: Context) -> upkeep.VerifyResponse:
        _only_timelines(request.view)
        found = await self._verify.step(parse_viewer(request.user_id), request.token)
        return upkeep.VerifyResponse(
            checked=found.checked, missing_ids=found.missing, extra_ids=found.extra, next_token=found.next_token
        )


def _only_timelines(view: str) -> None:
    """Raises InvalidArgument UNKNOWN_VIEW."""
    if view != "timeline":
        raise InvalidArgument("UNKNOWN_VIEW", "the views here are timeline")
