"""The home feed. Plain requests for it do not come here: gateway.hot answers them, with the same bytes."""

from typing import Annotated, Literal

from fastapi import Query, Response
from heliograph.feed.v1 import feed_pb2

from gateway import home
from gateway.here import encoded_answer
from gateway.limits import RouteClass, Subject
from gateway.pages import PageDep
from gateway.routing import Policy, Routes
from gateway.schemas import lists

routes = Routes("Feed")


@routes.add(
    f"GET {home.PATH}",
    "getHomeFeed",
    "Posts of oneself and of those one follows",
    lists.Feed,
    policy=Policy(seconds=home.SECONDS),
    etag=True,
)
async def read(
    page: PageDep,
    order: Annotated[
        Literal["latest", "top"], Query(description="Newest first, or recent posts by what they may mean to the reader")
    ] = "latest",
) -> Response:
    here = page.here
    if order == "top" and not page.token:
        await here.spend(RouteClass.RANKED, {Subject.USER: str(here.viewer.id)})
    found = await here.services.feed.GetHomePage(
        feed_pb2.GetHomePageRequest(
            viewer_id=here.viewer.id, page_size=page.limit, page_token=page.token, order=home.ORDERS[order]
        )
    )
    cursor, headers = page.next(found.next_page_token)
    body = home.encoded(found, cursor)
    return encoded_answer(body, headers=headers) if page.token else here.read_encoded(body, headers=headers)
