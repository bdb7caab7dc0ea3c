"""The home feed."""

from typing import Annotated, Literal

from fastapi import Query, Response
from heliograph.feed.v1 import feed_pb2

from gateway.here import answer
from gateway.pages import PageDep
from gateway.routing import Routes
from gateway.schemas import lists

routes = Routes("Feed")


@routes.add("GET /v1/me/feed", "getHomeFeed", "Posts of oneself and of those one follows", lists.Feed, etag=True)
async def home(
    page: PageDep,
    order: Annotated[Literal["latest"], Query(description="Newest first")] = "latest",  # noqa: ARG001 the only one yet
) -> Response:
    here = page.here
    found = await here.services.feed.GetHomeFeed(
        feed_pb2.GetHomeFeedRequest(viewer_id=here.viewer.id, page_size=page.limit, page_token=page.token)
    )
    cursor, headers = page.next(found.next_page_token)
    feed = lists.Feed([here.render.post(post) for post in found.posts], cursor, found.degraded)
    return answer(feed, headers=headers) if page.token else here.read(feed, headers=headers)
