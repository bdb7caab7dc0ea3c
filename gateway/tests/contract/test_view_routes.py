"""Feed, notifications, search, keys and probes: what is asked, and what is made of the answers."""

import pytest
from gateway_world import Client, Refused, World
from heliograph.feed.v1 import feed_pb2
from heliograph.notify.v1 import notify_pb2
from heliograph.search.v1 import search_pb2
from kit.errors import Unavailable

USER = {"id": "9", "username": "ben", "name": "Ben", "avatar_url": None, "avatar": None, "private_account": False}


async def test_the_home_feed(ada: Client, world: World, ada_id: int):
    world.feed.answer("GetHomePage", feed_pb2.GetHomePageResponse(items=b'[{"id":"7"}]', degraded=True))
    for order, asked in (("latest", feed_pb2.ORDER_LATEST), ("top", feed_pb2.ORDER_TOP)):
        found = (await ada.get(f"/v1/me/feed?order={order}")).json()
        assert ([post["id"] for post in found["items"]], found["degraded"]) == (["7"], True)
        assert world.feed.asked(feed_pb2.GetHomePageRequest)[-1] == feed_pb2.GetHomePageRequest(
            viewer_id=ada_id, page_size=20, order=asked
        )


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
