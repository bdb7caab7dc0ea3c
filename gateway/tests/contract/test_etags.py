"""ETags: nothing is sent twice, nothing is overwritten unseen."""

import pytest
from gateway_world import Client, Refused, World
from heliograph.feed.v1 import feed_pb2
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from kit.errors import Aborted


@pytest.fixture
def post(world: World, ada_id: int):
    """Post 7, which Ada likes."""

    def answer(request: post_pb2.GetPostRequest) -> post_pb2.GetPostResponse:
        viewer = post_pb2.ViewerState(liked=request.viewer_id == ada_id)
        return post_pb2.GetPostResponse(post=world.post_of(1, 7, viewer=viewer))

    world.post.answer("GetPost", answer)


PATHS = ["/v1/posts/7", "/v1/users/ada", "/v1/me", "/v1/media/1", "/v1/me/feed"]


@pytest.fixture
def everything(world: World, post: None):
    world.knows(world.profile(1, "ada"))
    media = post_pb2.Media(id=1, kind=post_pb2.MEDIA_KIND_IMAGE, state=post_pb2.MEDIA_STATE_READY)
    world.post.answer("GetMedia", post_pb2.GetMediaResponse(media=media))
    account = user_pb2.Account(profile=world.profile(1, "ada"), etag="a7")
    world.user.answer("GetAccount", user_pb2.GetAccountResponse(account=account))
    world.user.answer("UpdateAccount", user_pb2.UpdateAccountResponse(account=account))
    world.feed.answer("GetHomePage", feed_pb2.GetHomePageResponse(items=b'[{"id":"1"}]', next_page_token="x"))


@pytest.mark.parametrize("path", PATHS)
async def test_what_the_client_has_is_not_sent_again(ada: Client, everything: None, path: str):
    first = await ada.get(path)
    tag = first.headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await ada.get(path, headers={"If-None-Match": header})
        assert (again.status_code, again.content) == (304, b""), header
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("header", ['"other"', "", "x", '"', "é"])
async def test_another_tag_gets_the_answer(ada: Client, everything: None, header: str):
    response = await ada.get("/v1/posts/7", headers=[(b"If-None-Match", header.encode())])
    assert response.status_code == 200


async def test_the_tag_differs_where_the_viewers_answer_does(ada: Client, anonymous: Client, everything: None):
    tags = {(await client.get("/v1/posts/7")).headers["etag"] for client in (ada, anonymous)}
    assert len(tags) == 2


async def test_the_tag_changes_with_the_counts(ada: Client, world: World):
    tags: set[str] = set()
    for likes in (1, 2):
        post = world.post_of(1, 7, counts=post_pb2.PostCounts(likes=likes))
        world.post.answer("GetPost", post_pb2.GetPostResponse(post=post))
        tags.add((await ada.get("/v1/posts/7")).headers["etag"])
    assert len(tags) == 2


async def test_deeper_pages_have_no_tag(ada: Client, everything: None):
    cursor = (await ada.get("/v1/me/feed")).json()["next"]
    assert "etag" not in (await ada.get("/v1/me/feed", params={"cursor": cursor})).headers


async def test_an_edit_insists_on_the_version_that_was_read(ada: Client, world: World, everything: None):
    world.post.answer("UpdatePost", post_pb2.UpdatePostResponse(post=world.post_of(1, 7, etag="v2")))
    tag = (await ada.get("/v1/posts/7")).headers["etag"]
    response = await ada.patch("/v1/posts/7", json={"caption": "x"}, headers={"If-Match": tag})
    assert response.status_code == 200
    assert world.post.asked(post_pb2.UpdatePostRequest)[-1].etag == "v1"
    assert response.headers["etag"] != tag


async def test_a_new_like_does_not_stand_in_the_way_of_an_edit(ada: Client, world: World):
    seen = world.post_of(1, 7, counts=post_pb2.PostCounts(likes=1))
    world.post.answer("GetPost", post_pb2.GetPostResponse(post=seen))
    tag = (await ada.get("/v1/posts/7")).headers["etag"]
    world.post.answer("UpdatePost", post_pb2.UpdatePostResponse(post=world.post_of(1, 7)))
    await ada.patch("/v1/posts/7", json={"caption": "x"}, headers={"If-Match": f"W/{tag}"})
    assert world.post.asked(post_pb2.UpdatePostRequest)[-1].etag == "v1"


async def test_an_edit_of_what_has_changed_is_refused(ada: Client, world: World, refused: Refused, everything: None):
    tag = (await ada.get("/v1/me")).headers["etag"]
    world.user.answer("UpdateAccount", Aborted("ETAG_MISMATCH", "it has changed"))
    refused(await ada.patch("/v1/me", json={"bio": "x"}, headers={"If-Match": tag}), 412, "ETAG_MISMATCH")
    assert world.user.asked(user_pb2.UpdateAccountRequest)[-1].etag == "a7"


@pytest.mark.parametrize("header", ['"x"', "x", '"a-1", "b-2"', ""])
async def test_a_tag_that_was_never_given_out_matches_nothing(ada: Client, world: World, refused: Refused, header: str):
    refused(await ada.patch("/v1/posts/7", json={"caption": "x"}, headers={"If-Match": header}), 412, "ETAG_MISMATCH")
    assert not world.post.asked(post_pb2.UpdatePostRequest)


async def test_without_if_match_or_with_a_star_any_version_is_edited(ada: Client, world: World, everything: None):
    for headers in ({}, {"If-Match": "*"}):
        assert (await ada.patch("/v1/me", json={"bio": "x"}, headers=headers)).status_code == 200
        assert not world.user.asked(user_pb2.UpdateAccountRequest)[-1].etag
