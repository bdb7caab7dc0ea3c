"""Search."""

from typing import Annotated, Literal

from fastapi import Query, Response
from heliograph.search.v1 import search_pb2

from gateway.here import answer
from gateway.pages import PageDep
from gateway.routing import Routes
from gateway.schemas import lists
from gateway.schemas.requests import Text

routes = Routes("Search")

_TYPES = {
    "users": search_pb2.RESULT_TYPE_USERS,
    "posts": search_pb2.RESULT_TYPE_POSTS,
    "tags": search_pb2.RESULT_TYPE_TAGS,
    "places": search_pb2.RESULT_TYPE_PLACES,
}


@routes.add("GET /v1/search", "search", "Search, best first", lists.Results)
async def search(
    page: PageDep,
    q: Annotated[Text, Query(min_length=1, max_length=200)],
    kind: Annotated[Literal["users", "posts", "tags", "places"], Query(alias="type")] = "users",
) -> Response:
    here = page.here
    found = await here.services.search.Search(
        search_pb2.SearchRequest(
            viewer_id=here.viewer.id, query=q, type=_TYPES[kind], page_size=page.limit, page_token=page.token
        )
    )
    cursor, headers = page.next(found.next_page_token)
    return answer(lists.Results([here.render.found(item) for item in found.results], cursor), headers=headers)
