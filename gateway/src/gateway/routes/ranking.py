"""Beside the ranked feed: what was seen, and why a post is where it is. The feed itself is in routes/feed.py."""

from collections.abc import Mapping

from fastapi import Response
from heliograph.feed.v1 import feed_pb2

from gateway.here import HereDep, answer
from gateway.limits import RouteClass, Subject
from gateway.reasons import reasons_of
from gateway.routing import Policy, Routes
from gateway.schemas import ranking
from gateway.schemas.requests import Id

routes = Routes("Feed")

_ORDERS: Mapping[str | None, feed_pb2.Order.ValueType] = {
    None: feed_pb2.ORDER_UNSPECIFIED,
    "latest": feed_pb2.ORDER_LATEST,
    "top": feed_pb2.ORDER_TOP,
}


@routes.add(
    "POST /v1/me/feed/seen",
    "markSeen",
    "Tell which posts were on the screen: they go down in the ranked feed",
    ranking.Recorded,
    policy=Policy(scope="write", once=True, json=True),
)
async def seen(here: HereDep, body: ranking.SeenPosts) -> Response:
    found = await here.services.feed.MarkSeen(
        feed_pb2.MarkSeenRequest(viewer_id=here.viewer.id, post_ids=body.post_ids, order=_ORDERS[body.order])
    )
    return answer(ranking.Recorded(found.recorded))


@routes.add(
    "GET /v1/posts/{post_id}/why",
    "explainPost",
    "What counts for a post's place in one's ranked feed",
    ranking.Reasons,
    problems=(404,),
)
async def why(here: HereDep, post_id: Id) -> Response:
    await here.spend(RouteClass.RANKED, {Subject.USER: str(here.viewer.id)})
    found = await here.services.feed.ExplainPost(feed_pb2.ExplainPostRequest(viewer_id=here.viewer.id, post_id=post_id))
    return answer(reasons_of(found))
