"""Posts, comments and media: what the services are asked, and what is made of their answers."""

from typing import Any

import pytest
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2

TIME = "2026-06-21T19:30:00.123Z"
USER = {"id": "9", "username": "ben", "name": "Ben", "avatar_url": None, "avatar": None, "private_account": False}


async def test_a_post_as_clients_see_it(ada: Client, world: World):
    variant = post_pb2.Variant(name="1080.webp", object_key="public/k/1080.webp", width=8, height=9, bytes=7)
    media = post_pb2.Media(id=4, kind=post_pb2.MEDIA_KIND_IMAGE, state=post_pb2.MEDIA_STATE_READY, variants=[variant])
    post = world.post_of(
        9,
        7,
        author=world.profile(9, "ben"),
        title="Evening",
        media=[media],
        location=post_pb2.Location(name="Hill", latitude=52.5, longitude=13.25),
        tags=["dusk"],
        mentions=[post_pb2.Mention(user_id=3, username="cid")],
        counts=post_pb2.PostCounts(likes=2, comments=1),
        viewer=post_pb2.ViewerState(liked=True),
    )
    world.post.answer("GetPost", post_pb2.GetPostResponse(post=post))
    answer = (await ada.get("/v1/posts/7")).json()
    shown = answer.pop("media")
    assert answer == {
        "id": "7",
        "author": USER,
        "title": "Evening",
        "caption": "",
        "location": {"name": "Hill", "lat": 52.5, "lon": 13.25},
        "tags": ["dusk"],
        "mentions": [{"id": "3", "username": "cid"}],
        "counts": {"likes": 2, "comments": 1},
        "viewer": {"liked": True, "saved": False},
        "audience": "public",
        "comments_off": False,
        "published": True,
        "created_at": TIME,
        "edited_at": None,
    }
    assert (shown[0]["id"], shown[0]["state"]) == ("4", "ready")
    url = "http://media.test/media/p/k/1080.webp"
    facts = {"name": "1080.webp", "url": url, "width": 8, "height": 9, "bytes": 7, "content_type": ""}
    assert shown[0]["variants"] == [facts]


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/me/feed"])
async def test_publishing(ada: Client, world: World, ada_id: int, path: str):
    world.post.answer("CreatePost", post_pb2.CreatePostResponse(post=world.post_of(ada_id, 7)))
    body = {
        "media_ids": ["5", "6"],
        "title": "t",
        "caption": "c",
        "location": {"name": "Hill", "lat": 52.5, "lon": 13},
        "audience": "close_friends",
        "comments_off": True,
    }
    response = await ada.post(path, json=body)
    assert (response.status_code, response.headers["location"]) == (201, "/v1/posts/7")
    asked = world.post.asked(post_pb2.CreatePostRequest)[0]
    assert asked == post_pb2.CreatePostRequest(
        viewer_id=ada_id,
        media_ids=[5, 6],
        title="t",
        caption="c",
        location=post_pb2.Location(name="Hill", latitude=52.5, longitude=13),
        audience=post_pb2.AUDIENCE_CLOSE_FRIENDS,
        comments_off=True,
        request_id=asked.request_id,
    )


@pytest.mark.parametrize("media_ids", [[], ["1"] * 21])
async def test_a_post_has_one_to_twenty_media(ada: Client, refused: Refused, media_ids: list[str]):
    refused(await ada.post("/v1/posts", json={"media_ids": media_ids}), 422, "INVALID_FIELD")


async def test_editing_a_post_names_what_changes(ada: Client, world: World):
    world.post.answer("UpdatePost", post_pb2.UpdatePostResponse(post=world.post_of(9, 7)))
    await ada.patch("/v1/posts/7", json={"location": None, "audience": "followers"})
    asked = world.post.asked(post_pb2.UpdatePostRequest)[0]
    assert list(asked.update_mask.paths) == ["audience", "location"]
    assert not asked.post.HasField("location")
    assert asked.post.audience == post_pb2.AUDIENCE_FOLLOWERS


async def test_deleting_liking_and_unliking(ada: Client, world: World):
    counts, viewer = post_pb2.PostCounts(likes=1), post_pb2.ViewerState(liked=True)
    world.post.answer("LikePost", post_pb2.LikePostResponse(counts=counts, viewer=viewer))
    liked = await ada.put("/v1/posts/7/like")
    expected = {"counts": {"likes": 1, "comments": 0}, "viewer": {"liked": True, "saved": False}}
    assert (liked.status_code, liked.json()) == (200, expected)
    assert (await ada.delete("/v1/posts/7/like")).json()["viewer"]["liked"] is False
    assert (await ada.delete("/v1/posts/7")).status_code == 204


@pytest.mark.parametrize(
    ("path", "rpc", "response"),
    [
        ("/v1/users/9/posts", "ListAuthorPosts", post_pb2.ListAuthorPostsResponse),
        ("/v1/tags/dusk/posts", "ListTagPosts", post_pb2.ListTagPostsResponse),
    ],
)
async def test_lists_of_posts(anonymous: Client, world: World, path: str, rpc: str, response: Any):
    world.post.answer(rpc, response(posts=[world.post_of(9, 7)], next_page_token="t"))
    found = (await anonymous.get(path)).json()
    assert [item["id"] for item in found["items"]] == ["7"]
    assert found["next"]


async def test_a_tag_in_any_script(anonymous: Client, world: World):
    await anonymous.get("/v1/tags/d%C3%A4mmerung/posts")
    assert world.post.asked(post_pb2.ListTagPostsRequest)[0].tag == "dämmerung"


async def test_likers(anonymous: Client, world: World):
    world.post.answer("ListLikes", post_pb2.ListLikesResponse(profiles=[world.profile(9, "ben")]))
    assert (await anonymous.get("/v1/posts/7/likes")).json() == {"items": [USER], "next": None}


async def test_comments(ada: Client, world: World):
    comment = post_pb2.Comment(id=8, post_id=7, author=world.profile(9, "ben"), text="x", reply_to=6)
    comment.created_at.FromJsonString(TIME)
    world.post.answer("CreateComment", post_pb2.CreateCommentResponse(comment=comment))
    world.post.answer("ListComments", post_pb2.ListCommentsResponse(comments=[comment]))
    world.post.answer("ListReplies", post_pb2.ListRepliesResponse(comments=[comment]))
    made = await ada.post("/v1/posts/7/comments", json={"text": "x", "reply_to": "6"})
    assert made.status_code == 201
    assert made.json() == {
        "id": "8",
        "post_id": "7",
        "author": USER,
        "text": "x",
        "reply_to": "6",
        "counts": {"likes": 0, "replies": 0},
        "mentions": [],
        "created_at": TIME,
    }
    for path in ("/v1/posts/7/comments", "/v1/comments/6/replies"):
        assert (await ada.get(path)).json() == {"items": [made.json()], "next": None}
    assert (await ada.delete("/v1/comments/8")).status_code == 204
    assert world.post.asked(post_pb2.CreateCommentRequest)[0].reply_to == 6


async def test_announcing_a_medium(ada: Client, world: World, ada_id: int):
    media = post_pb2.Media(id=5, kind=post_pb2.MEDIA_KIND_IMAGE, state=post_pb2.MEDIA_STATE_WAITING)
    upload = post_pb2.Upload(method="PUT", url="http://s3.test/x", headers={"Content-Type": "image/jpeg"})
    world.post.answer("CreateMedia", post_pb2.CreateMediaResponse(media=media, upload=upload))
    body = {"kind": "image", "content_type": "image/jpeg", "bytes": 10, "sha256": "ab", "alt_text": "hill"}
    response = await ada.post("/v1/media", json=body)
    assert (response.status_code, response.json()["id"], response.json()["state"]) == (201, "5", "waiting")
    assert response.json()["upload"] == {
        "method": "PUT",
        "url": "http://s3.test/x",
        "headers": {"Content-Type": "image/jpeg"},
        "fields": {},
        "expires_at": None,
    }
    asked = world.post.asked(post_pb2.CreateMediaRequest)[0]
    assert (asked.viewer_id, asked.kind, asked.bytes) == (ada_id, post_pb2.MEDIA_KIND_IMAGE, 10)


@pytest.mark.parametrize("size", [-1, 1 << 63, 1.5, "10", True])
async def test_a_size_that_is_none_is_refused(ada: Client, refused: Refused, size: object):
    body = {"kind": "image", "content_type": "image/jpeg", "bytes": size, "sha256": "ab"}
    problem = refused(await ada.post("/v1/media", json=body), 422, "INVALID_FIELD")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/bytes"]


async def test_a_medium_on_its_way(ada: Client, world: World):
    media = post_pb2.Media(
        id=5, kind=post_pb2.MEDIA_KIND_VIDEO, state=post_pb2.MEDIA_STATE_REFUSED, reason="NOT_A_VIDEO", focal_x=0.5
    )
    world.post.answer("CompleteMedia", post_pb2.CompleteMediaResponse(media=media))
    world.post.answer("UpdateMedia", post_pb2.UpdateMediaResponse(media=media))
    completed = await ada.post("/v1/media/5/complete")
    assert (completed.status_code, completed.json()["reason"]) == (202, "NOT_A_VIDEO")
    changed = await ada.patch("/v1/media/5", json={"focal_point": {"x": 0.5, "y": 0}})
    assert changed.json()["focal_point"] == {"x": 0.5, "y": 0}
    assert list(world.post.asked(post_pb2.UpdateMediaRequest)[0].update_mask.paths) == ["focal_x", "focal_y"]


async def test_private_media_have_signed_urls(ada: Client, world: World):
    variant = post_pb2.Variant(name="150.jpg", object_key="private/k/150.jpg")
    media = post_pb2.Media(id=5, kind=post_pb2.MEDIA_KIND_IMAGE, state=post_pb2.MEDIA_STATE_READY, variants=[variant])
    world.post.answer("GetMedia", post_pb2.GetMediaResponse(media=media))
    url: str = (await ada.get("/v1/media/5")).json()["variants"][0]["url"]
    assert url.startswith("http://media.test/media/s/k/150.jpg?exp=")
