"""Tags: what the services are asked, and what is made of their answers."""

import pytest
from gateway_world import Client, Refused, World
from heliograph.graph.v1 import graph_pb2
from heliograph.search.v1 import search_pb2
from kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, Unavailable


@pytest.mark.parametrize("path", ["dusk", "%23Dusk", "%EF%BC%83DUSK"])
async def test_a_tag_has_the_name_that_the_service_keeps(ada: Client, world: World, ada_id: int, path: str):
    world.graph.answer("GetTag", graph_pb2.GetTagResponse(tag="dusk", following=True))
    world.search.answer("CountTagPosts", search_pb2.CountTagPostsResponse(posts=12))

    found = await ada.get(f"/v1/tags/{path}")

    assert (found.status_code, found.json()) == (200, {"name": "dusk", "posts": 12, "following": True})
    asked = world.graph.asked(graph_pb2.GetTagRequest)[-1]
    assert (asked.viewer_id, asked.tag.lstrip("#＃").lower()) == (ada_id, "dusk")
    assert world.search.asked(search_pb2.CountTagPostsRequest)[-1].tag == "dusk"


async def test_anybody_may_read_a_tag_and_it_is_there_while_search_is_away(anonymous: Client, world: World):
    world.graph.answer("GetTag", graph_pb2.GetTagResponse(tag="dusk"))
    world.search.answer("CountTagPosts", Unavailable("SEARCH_UNAVAILABLE", "away"))

    found = await anonymous.get("/v1/tags/dusk")

    assert (found.status_code, found.json()) == (200, {"name": "dusk", "posts": None, "following": False})
    assert world.graph.asked(graph_pb2.GetTagRequest)[-1].viewer_id == 0


async def test_a_tag_can_be_followed_and_left(ada: Client, world: World, ada_id: int):
    world.graph.answer("FollowTag", graph_pb2.FollowTagResponse(tag="strasse"))

    followed = await ada.put("/v1/tags/Stra%C3%9Fe/follow")
    left = await ada.delete("/v1/tags/Stra%C3%9Fe/follow")

    assert (followed.status_code, followed.json()) == (200, {"name": "strasse"})
    assert (left.status_code, left.content) == (204, b"")
    for kind in (graph_pb2.FollowTagRequest, graph_pb2.UnfollowTagRequest):
        asked = world.graph.asked(kind)[-1]
        assert (asked.viewer_id, asked.tag) == (ada_id, "Straße")


async def test_what_the_service_refuses_is_told(ada: Client, world: World, refused: Refused):
    world.graph.answer("FollowTag", FailedPrecondition("TOO_MANY_TAGS", "at most 200 tags can be followed"))
    refused(await ada.put("/v1/tags/dusk/follow"), 409, "TOO_MANY_TAGS")

    no_tag = InvalidArgument("INVALID_FIELD", "that is no tag", fields=[FieldViolation("/tag", "letters")])
    for method, path, rpc in (
        ("PUT", "/follow", "FollowTag"),
        ("DELETE", "/follow", "UnfollowTag"),
        ("GET", "", "GetTag"),
    ):
        world.graph.answer(rpc, no_tag)
        problem = refused(await ada.request(method, f"/v1/tags/1{path}"), 422, "INVALID_FIELD")
        assert problem["errors"] == [{"pointer": "/tag", "reason": "letters"}]


async def test_followed_tags_come_in_pages(ada: Client, world: World, ada_id: int):
    def answered(request: graph_pb2.ListFollowedTagsRequest) -> graph_pb2.ListFollowedTagsResponse:
        last = graph_pb2.ListFollowedTagsResponse(tags=["dawn"])
        return last if request.page_token else graph_pb2.ListFollowedTagsResponse(tags=["dusk"], next_page_token="7")

    world.graph.answer("ListFollowedTags", answered)

    first = (await ada.get("/v1/me/followed-tags?limit=1")).json()
    last = (await ada.get(f"/v1/me/followed-tags?limit=1&cursor={first['next']}")).json()

    assert (first["items"], last) == ([{"name": "dusk"}], {"items": [{"name": "dawn"}], "next": None})
    asked = world.graph.asked(graph_pb2.ListFollowedTagsRequest)
    assert [(one.viewer_id, one.page_size, one.page_token) for one in asked] == [(ada_id, 1, ""), (ada_id, 1, "7")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/tags/dusk/follow"), ("DELETE", "/v1/tags/dusk/follow"), ("GET", "/v1/me/followed-tags")],
)
async def test_nobody_follows_who_has_not_logged_in(anonymous: Client, refused: Refused, method: str, path: str):
    refused(await anonymous.request(method, path), 401, "AUTHENTICATION_REQUIRED")


async def test_following_needs_its_scope(world: World, refused: Refused):
    app, _ = await world.gateway()
    reader = await world.client(app, world.token(scope="read"))
    for method in ("PUT", "DELETE"):
        refused(await reader.request(method, "/v1/tags/dusk/follow"), 403, "INSUFFICIENT_SCOPE")
    assert not world.graph.asked(graph_pb2.FollowTagRequest)
