"""Lists: sizes, cursors that cannot be forged or carried elsewhere, pages that are full."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from gateway_world import Client, Refused, World
from heliograph.feed.v1 import feed_pb2
from heliograph.graph.v1 import graph_pb2
from heliograph.post.v1 import post_pb2
from heliograph.search.v1 import search_pb2
from heliograph.user.v1 import user_pb2
from starlette.types import ASGIApp


@pytest.fixture
def feed(world: World):
    """An endless feed whose tokens count up."""

    def page(request: feed_pb2.GetHomePageRequest) -> feed_pb2.GetHomePageResponse:
        start = int(request.page_token or 0)
        items = json.dumps([{"id": str(1000 - start - n)} for n in range(request.page_size)])
        return feed_pb2.GetHomePageResponse(items=items.encode(), next_page_token=str(start + request.page_size))

    world.feed.answer("GetHomePage", page)


async def test_a_list_is_items_and_next(ada: Client):
    response = await ada.get("/v1/me/feed")
    assert response.json() == {"items": [], "next": None, "degraded": False}
    assert "link" not in response.headers


async def test_the_cursor_leads_to_the_next_page(ada: Client, feed: None):
    first = (await ada.get("/v1/me/feed?limit=3")).json()
    second = (await ada.get("/v1/me/feed", params={"limit": 3, "cursor": first["next"]})).json()
    assert [int(post["id"]) for post in first["items"] + second["items"]] == [1000, 999, 998, 997, 996, 995]


async def test_the_link_header_leads_there_too(ada: Client, feed: None):
    first = await ada.get("/v1/me/feed?limit=3&order=latest")
    url = re.fullmatch(r'<(http://api\.test/v1/me/feed\?[^>]+)>; rel="next"', first.headers["link"])
    assert url
    assert parse_qs(urlsplit(url[1]).query) == {"limit": ["3"], "order": ["latest"], "cursor": [first.json()["next"]]}
    assert (await ada.get(url[1])).json()["items"][0]["id"] == "997"


@pytest.mark.parametrize(
    ("asked", "size"),
    [("", 20), ("?limit=1", 1), ("?limit=100", 100), ("?limit=101", 100), ("?limit=99999999999", 100)],
)
async def test_the_limit_has_a_default_and_a_cap(ada: Client, world: World, asked: str, size: int):
    await ada.get(f"/v1/me/feed{asked}")
    assert world.feed.asked(feed_pb2.GetHomePageRequest)[0].page_size == size


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "1e3", "٣", "9" * 5000, " 1"])
async def test_a_limit_that_is_none_is_refused(ada: Client, refused: Refused, limit: str):
    problem = refused(await ada.get("/v1/me/feed", params={"limit": limit}), 422, "INVALID_FIELD")
    assert problem["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize("cursor", ["x", "AAAA", "a b", "=", "é", "x" * 4000, "\x00"])
async def test_a_cursor_that_was_never_given_out_is_refused(ada: Client, refused: Refused, cursor: str):
    refused(await ada.get("/v1/me/feed", params={"cursor": cursor}), 400, "BAD_CURSOR")


async def test_a_changed_cursor_is_refused(ada: Client, feed: None, refused: Refused):
    cursor = (await ada.get("/v1/me/feed")).json()["next"]
    for position in range(len(cursor)):
        other = "A" if cursor[position] != "A" else "B"
        changed = cursor[:position] + other + cursor[position + 1 :]
        refused(await ada.get("/v1/me/feed", params={"cursor": changed}), 400, "BAD_CURSOR")


async def test_a_cursor_is_good_for_its_viewer_alone(
    world: World, app: ASGIApp, ada: Client, feed: None, refused: Refused, ben_id: int
):
    cursor = (await ada.get("/v1/me/feed")).json()["next"]
    ben = await world.client(app, world.token(ben_id))
    refused(await ben.get("/v1/me/feed", params={"cursor": cursor}), 400, "BAD_CURSOR")


async def test_a_cursor_is_good_for_its_list_alone(ada: Client, world: World, refused: Refused):
    world.post.answer("ListAuthorPosts", post_pb2.ListAuthorPostsResponse(next_page_token="5"))
    cursor = (await ada.get("/v1/users/1/posts")).json()["next"]
    assert (await ada.get("/v1/users/1/posts", params={"cursor": cursor})).status_code == 200
    refused(await ada.get("/v1/users/2/posts", params={"cursor": cursor}), 400, "BAD_CURSOR")
    refused(await ada.get("/v1/me/feed", params={"cursor": cursor}), 400, "BAD_CURSOR")


async def test_a_cursor_is_good_for_its_filters_alone(ada: Client, world: World, refused: Refused):
    world.search.answer("Search", search_pb2.SearchResponse(next_page_token="5"))
    cursor = (await ada.get("/v1/search?q=dusk&type=tags")).json()["next"]
    assert (await ada.get("/v1/search", params={"type": "tags", "q": "dusk", "cursor": cursor})).status_code == 200
    for query in ({"q": "dawn", "type": "tags"}, {"q": "dusk", "type": "posts"}):
        refused(await ada.get("/v1/search", params={**query, "cursor": cursor}), 400, "BAD_CURSOR")


async def test_a_cursor_works_at_any_instance(world: World, ada: Client, feed: None):
    cursor = (await ada.get("/v1/me/feed")).json()["next"]
    app, _ = await world.gateway()
    other = await world.client(app, world.token())
    assert (await other.get("/v1/me/feed", params={"cursor": cursor})).status_code == 200


async def test_a_page_of_people_is_full_although_some_cannot_be_shown(ada: Client, world: World, refused: Refused):
    hidden = {3: {"state": user_pb2.ACCOUNT_STATE_SUSPENDED}, 4: {"state": user_pb2.ACCOUNT_STATE_DELETED}}
    world.knows(*(world.profile(n, f"user{n}", **hidden.get(n, {})) for n in range(1, 12) if n != 5))

    def blocked(request: graph_pb2.BatchGetRelationshipsRequest) -> graph_pb2.BatchGetRelationshipsResponse:
        relations = [graph_pb2.Relationship(id=one, blocked_by=one == 6) for one in request.ids]
        return graph_pb2.BatchGetRelationshipsResponse(relationships=relations)

    def followers(request: graph_pb2.ListFollowersRequest) -> graph_pb2.ListFollowersResponse:
        start = int(request.page_token or 1)
        edges = [graph_pb2.Edge(user_id=n) for n in range(start, min(start + request.page_size, 12))]
        following = start + request.page_size
        return graph_pb2.ListFollowersResponse(edges=edges, next_page_token=str(following) if following < 12 else "")

    world.graph.answer("BatchGetRelationships", blocked)
    world.graph.answer("ListFollowers", followers)
    first = (await ada.get("/v1/users/1/followers?limit=4")).json()
    assert [user["username"] for user in first["items"]] == ["user1", "user2", "user7", "user8"]
    second = (await ada.get("/v1/users/1/followers", params={"limit": 4, "cursor": first["next"]})).json()
    assert [user["username"] for user in second["items"]] == ["user9", "user10", "user11"]
    assert second["next"] is None
