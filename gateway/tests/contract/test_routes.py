"""What each route asks of the services, and what it makes of their answers."""

from typing import Any

import pytest
from gateway_world import Client, Refused, World
from heliograph.feed.v1 import feed_pb2
from heliograph.graph.v1 import graph_pb2
from heliograph.notify.v1 import notify_pb2
from heliograph.post.v1 import post_pb2
from heliograph.search.v1 import search_pb2
from heliograph.user.v1 import user_pb2
from kit.errors import Unavailable

TIME = "2026-06-21T19:30:00.123Z"
USER = {"id": "9", "username": "ben", "name": "Ben", "avatar_url": None, "private_account": False}
UNRELATED = dict.fromkeys(("following", "requested", "followed_by", "blocking", "muting"), False)


async def test_registering(anonymous: Client, world: World):
    profile = world.profile(9, "ben")
    account = user_pb2.Account(profile=profile, email="ben@example.org")
    world.user.answer("RegisterAccount", user_pb2.RegisterAccountResponse(account=account))
    body = {"username": "ben", "email": "ben@example.org", "password": "correct horse", "name": "Ben"}
    response = await anonymous.post("/v1/accounts", json=body)
    assert response.status_code == 201
    answer = response.json()
    assert (answer["id"], answer["username"], answer["name"]) == ("9", "ben", "Ben")
    assert (answer["email"], answer["email_verified"]) == ("ben@example.org", False)
    assert answer["counts"] == {"posts": 0, "followers": 0, "following": 0}
    asked = world.user.asked(user_pb2.RegisterAccountRequest)[0]
    assert (asked.username, asked.email, asked.password, asked.name) == tuple(body.values())
    assert len(asked.request_id) == 36


async def test_logging_in(anonymous: Client, world: World):
    tokens = user_pb2.TokenPair(access_token="a", refresh_token="r", expires_in_seconds=900)
    world.user.answer("CreateSession", user_pb2.CreateSessionResponse(tokens=tokens, profile=world.profile(9, "ben")))
    body = {"login": "ben", "password": "correct horse"}
    response = await anonymous.post("/v1/sessions", json=body, headers={"User-Agent": "camera/1"})
    assert response.status_code == 201
    expected = {"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 900, "user": USER}
    assert response.json() == expected
    assert response.headers["cache-control"] == "no-store"
    asked = world.user.asked(user_pb2.CreateSessionRequest)[0]
    assert (asked.login, asked.user_agent, asked.address) == ("ben", "camera/1", "203.0.113.7")


async def test_refreshing(anonymous: Client, world: World):
    tokens = user_pb2.TokenPair(access_token="a2", refresh_token="r2", expires_in_seconds=900)
    world.user.answer("RefreshSession", user_pb2.RefreshSessionResponse(tokens=tokens))
    response = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": "r"})
    assert (response.status_code, response.json()["refresh_token"]) == (200, "r2")
    assert world.user.asked(user_pb2.RefreshSessionRequest)[0].refresh_token == "r"


async def test_listing_and_ending_sessions(ada: Client, world: World, ada_id: int):
    session = user_pb2.Session(id=5, user_agent="camera/1", address="192.0.2.1", current=True)
    session.created_at.FromJsonString(TIME)
    world.user.answer("ListSessions", user_pb2.ListSessionsResponse(sessions=[session]))
    assert (await ada.get("/v1/sessions")).json()["items"] == [
        {
            "id": "5",
            "user_agent": "camera/1",
            "address": "192.0.2.1",
            "created_at": TIME,
            "last_used_at": None,
            "current": True,
        }
    ]
    assert world.user.asked(user_pb2.ListSessionsRequest)[0].current_session_id == ada_id + 1000
    assert (await ada.delete("/v1/sessions/5")).status_code == 204
    assert world.user.asked(user_pb2.RevokeSessionRequest)[0].session_id == 5


async def test_changing_the_profile_names_what_changes(ada: Client, world: World):
    account = user_pb2.Account(profile=world.profile(9, "ben", bio="x"), etag="e")
    world.user.answer("UpdateAccount", user_pb2.UpdateAccountResponse(account=account))
    response = await ada.patch("/v1/me", json={"bio": "x", "website": ""})
    assert response.json()["bio"] == "x"
    asked = world.user.asked(user_pb2.UpdateAccountRequest)[0]
    assert list(asked.update_mask.paths) == ["bio", "website"]
    assert asked.profile == user_pb2.Profile(bio="x")


async def test_settings(ada: Client, world: World):
    private = user_pb2.Account(profile=world.profile(9, "ben", private_account=True))
    world.user.answer("GetAccount", user_pb2.GetAccountResponse(account=private))
    world.user.answer("UpdateAccount", user_pb2.UpdateAccountResponse(account=private))
    assert (await ada.get("/v1/me/settings")).json() == {"private_account": True}
    assert (await ada.patch("/v1/me/settings", json={"private_account": True})).json() == {"private_account": True}
    asked = world.user.asked(user_pb2.UpdateAccountRequest)[0]
    assert (list(asked.update_mask.paths), asked.profile.private_account) == (["private_account"], True)


async def test_a_profile_has_counts_of_two_services(anonymous: Client, world: World):
    world.knows(world.profile(9, "ben", avatar_key="public/k3y/150.webp"))
    counts = graph_pb2.Counts(id=9, followers=3, following=4)
    world.graph.answer("BatchGetCounts", graph_pb2.BatchGetCountsResponse(counts=[counts]))
    world.post.answer("BatchGetPostCounts", post_pb2.BatchGetPostCountsResponse(posts={9: 2}))
    answer = (await anonymous.get("/v1/users/ben")).json()
    assert answer["counts"] == {"posts": 2, "followers": 3, "following": 4}
    assert answer["avatar_url"] == "http://media.test/media/p/k3y/150.webp"
    assert answer.keys() == {*USER, "bio", "website", "location", "pronouns", "counts", "created_at"}


async def test_a_profile_is_shown_while_counts_cannot_be_had(anonymous: Client, world: World):
    world.knows(world.profile(9, "ben"))
    world.graph.answer("BatchGetCounts", Unavailable("REDIS_UNAVAILABLE", "down"))
    response = await anonymous.get("/v1/users/ben")
    assert (response.status_code, response.json()["counts"]) == (200, None)


async def test_who_is_blocked_finds_no_profile(ada: Client, anonymous: Client, world: World, refused: Refused):
    world.knows(world.profile(9, "ben"))
    blocked = graph_pb2.BatchGetRelationshipsResponse(relationships=[graph_pb2.Relationship(id=9, blocked_by=True)])
    world.graph.answer("BatchGetRelationships", blocked)
    never = refused(await ada.get("/v1/users/nobody"), 404, "USER_NOT_FOUND")
    hidden = refused(await ada.get("/v1/users/ben"), 404, "USER_NOT_FOUND")
    assert {**never, "instance": "", "trace_id": ""} == {**hidden, "instance": "", "trace_id": ""}
    assert (await ada.get("/v1/users?ids=9")).json()["items"] == []
    assert (await anonymous.get("/v1/users/ben")).status_code == 200


@pytest.mark.parametrize("state", [user_pb2.ACCOUNT_STATE_SUSPENDED, user_pb2.ACCOUNT_STATE_DELETED])
async def test_an_account_that_is_not_active_is_not_found(
    anonymous: Client, world: World, refused: Refused, state: user_pb2.AccountState.ValueType
):
    world.knows(world.profile(9, "ben", state=state))
    refused(await anonymous.get("/v1/users/ben"), 404, "USER_NOT_FOUND")


async def test_profiles_by_id_keep_the_order_asked(anonymous: Client, world: World):
    world.knows(*(world.profile(n, f"user{n}") for n in (1, 2, 3)))
    for query in ("ids=3,1,99,3", "ids=3&ids=1&ids=99"):
        items = (await anonymous.get(f"/v1/users?{query}")).json()["items"]
        assert [item["id"] for item in items] == ["3", "1"]


@pytest.mark.parametrize("query", ["", "ids=x", "ids=1,0", "ids=" + ",".join(map(str, range(1, 102)))])
async def test_ids_that_are_none_or_too_many_are_refused(anonymous: Client, refused: Refused, query: str):
    refused(await anonymous.get(f"/v1/users?{query}"), 422, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("PUT", "/v1/users/9/follow", "Follow"),
        ("DELETE", "/v1/users/9/follow", "Unfollow"),
        ("PUT", "/v1/users/9/block", "Block"),
        ("DELETE", "/v1/users/9/block", "Unblock"),
        ("PUT", "/v1/users/9/mute", "Mute"),
        ("DELETE", "/v1/users/9/mute", "Unmute"),
        ("DELETE", "/v1/me/followers/9", "RemoveFollower"),
        ("PUT", "/v1/me/follow-requests/9/accept", "AcceptFollowRequest"),
        ("PUT", "/v1/me/follow-requests/9/reject", "RejectFollowRequest"),
    ],
)
async def test_changes_between_two_people(ada: Client, world: World, ada_id: int, method: str, path: str, rpc: str):
    relation = graph_pb2.Relationship(id=9, requested=True, blocked_by=True, close_friend_of=True)
    response: Any = getattr(graph_pb2, f"{rpc}Response")(relationship=relation)
    world.graph.answer(rpc, response)
    answer = await ada.request(method, path)
    assert (answer.status_code, answer.json()) == (200, {"id": "9", **UNRELATED, "requested": True})
    asked: Any = world.graph.requests[-1]
    assert type(asked).__name__ == f"{rpc}Request"
    assert (asked.viewer_id, asked.user_id) == (ada_id, 9)


async def test_relationships(ada: Client, world: World):
    relation = graph_pb2.Relationship(id=9, following=True)
    answer = graph_pb2.BatchGetRelationshipsResponse(relationships=[relation])
    world.graph.answer("BatchGetRelationships", answer)
    found = (await ada.get("/v1/relationships?ids=9")).json()
    assert found == {"items": [{"id": "9", **UNRELATED, "following": True}], "next": None}


@pytest.mark.parametrize(
    ("path", "rpc"),
    [
        ("/v1/users/5/followers", "ListFollowers"),
        ("/v1/users/5/following", "ListFollowing"),
        ("/v1/me/follow-requests", "ListFollowRequests"),
        ("/v1/me/blocks", "ListBlocks"),
        ("/v1/me/mutes", "ListMutes"),
    ],
)
async def test_lists_of_people(ada: Client, world: World, path: str, rpc: str):
    world.knows(world.profile(9, "ben"))
    response: Any = getattr(graph_pb2, f"{rpc}Response")(edges=[graph_pb2.Edge(user_id=9)], next_page_token="t")
    world.graph.answer(rpc, lambda request: response if not request.page_token else type(response)())
    found = (await ada.get(f"{path}?limit=1")).json()
    assert found["items"] == [USER]
    assert found["next"]


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


async def test_the_home_feed(ada: Client, world: World, ada_id: int):
    answer = feed_pb2.GetHomeFeedResponse(posts=[world.post_of(9, 7)], degraded=True)
    world.feed.answer("GetHomeFeed", answer)
    found = (await ada.get("/v1/me/feed?order=latest")).json()
    assert ([post["id"] for post in found["items"]], found["degraded"]) == (["7"], True)
    assert world.feed.asked(feed_pb2.GetHomeFeedRequest)[0].viewer_id == ada_id


async def test_an_order_that_there_is_not_is_refused(ada: Client, refused: Refused):
    refused(await ada.get("/v1/me/feed?order=random"), 422, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (notify_pb2.NOTIFICATION_KIND_FOLLOW, "follow"),
        (notify_pb2.NOTIFICATION_KIND_LIKE, "like"),
        (notify_pb2.NOTIFICATION_KIND_COMMENT, "comment"),
        (notify_pb2.NOTIFICATION_KIND_REPLY, "reply"),
        (notify_pb2.NOTIFICATION_KIND_MENTION, "mention"),
        (notify_pb2.NOTIFICATION_KIND_FOLLOW_REQUEST, "follow_request"),
    ],
)
async def test_notifications(ada: Client, world: World, kind: notify_pb2.NotificationKind.ValueType, name: str):
    item = notify_pb2.Notification(id=3, kind=kind, actors=[world.profile(9, "ben")], others=12)
    world.notify.answer("ListNotifications", notify_pb2.ListNotificationsResponse(notifications=[item]))
    expected = {"id": "3", "kind": name, "actors": [USER], "others": 12, "post": None, "comment": None}
    found = (await ada.get("/v1/notifications")).json()
    assert found == {"items": [{**expected, "created_at": None, "read": False}], "next": None}


async def test_reading_notifications(ada: Client, world: World):
    world.notify.answer("GetUnreadCount", notify_pb2.GetUnreadCountResponse(count=7))
    assert (await ada.get("/v1/notifications/unread-count")).json() == {"count": 7}
    assert (await ada.post("/v1/notifications/read", json={"up_to": "33"})).status_code == 204
    assert world.notify.asked(notify_pb2.MarkReadRequest)[0].up_to_id == 33


async def test_search(ada: Client, world: World):
    results = [
        search_pb2.SearchResult(user=world.profile(9, "ben")),
        search_pb2.SearchResult(post=world.post_of(9, 7)),
        search_pb2.SearchResult(tag=search_pb2.Tag(name="dusk", posts=3)),
        search_pb2.SearchResult(place=search_pb2.Place(id="p1", name="Hill", latitude=1, longitude=2)),
    ]
    world.search.answer("Search", search_pb2.SearchResponse(results=results))
    items = (await ada.get("/v1/search?q=dusk&type=tags")).json()["items"]
    assert items[0] == {"type": "user", "user": USER}
    assert (items[1]["type"], items[1]["post"]["id"]) == ("post", "7")
    assert items[2] == {"type": "tag", "tag": {"name": "dusk", "posts": 3}}
    assert items[3] == {"type": "place", "place": {"id": "p1", "name": "Hill", "lat": 1.0, "lon": 2.0}}
    asked = world.search.asked(search_pb2.SearchRequest)[0]
    assert (asked.query, asked.type) == ("dusk", search_pb2.RESULT_TYPE_TAGS)


@pytest.mark.parametrize("query", ["", "q=", "q=x&type=dogs", "q=" + "x" * 201, "q=a%00b"])
async def test_a_search_for_nothing_is_refused(ada: Client, refused: Refused, query: str):
    refused(await ada.get(f"/v1/search?{query}"), 422, "INVALID_FIELD")


async def test_the_keys_of_tokens(anonymous: Client):
    response = await anonymous.get("/.well-known/jwks.json")
    assert [key["kid"] for key in response.json()["keys"]] == ["k1"]
    assert "d" not in response.json()["keys"][0]


async def test_the_probes(anonymous: Client, world: World, refused: Refused):
    for path in ("/healthz", "/readyz"):
        assert (await anonymous.get(path)).json() == {"status": "ok"}
    world.user.answer("GetJwks", Unavailable("DOWN", "down"))
    app, _ = await world.gateway()
    refused(await (await world.client(app)).get("/readyz"), 503, "NOT_READY")
