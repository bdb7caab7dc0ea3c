"""What was seen, and why: what is asked, and what is made of the answers."""

import json

import pytest
from gateway_world import Client, Refused, World
from heliograph.feed.v1 import feed_pb2
from kit.errors import NotFound


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({}, feed_pb2.ORDER_UNSPECIFIED),
        ({"order": "latest"}, feed_pb2.ORDER_LATEST),
        ({"order": "top"}, feed_pb2.ORDER_TOP),
    ],
)
async def test_seen_posts_are_told(ada: Client, world: World, ada_id: int, order: dict[str, str], named: int):
    world.feed.answer("MarkSeen", feed_pb2.MarkSeenResponse(recorded=2))
    answer = await ada.post("/v1/me/feed/seen", json={"post_ids": ["7", "8", "8"], **order})
    assert (answer.status_code, answer.json()) == (200, {"recorded": 2})
    assert world.feed.asked(feed_pb2.MarkSeenRequest) == [
        feed_pb2.MarkSeenRequest(viewer_id=ada_id, post_ids=[7, 8, 8], order=named)  # pyright: ignore[reportArgumentType]
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"post_ids": [7]},
        {"post_ids": ["x"]},
        {"post_ids": [str(number) for number in range(1, 202)]},
        {"post_ids": ["7"], "order": "best"},
        {"post_ids": ["7"], "more": 1},
    ],
)
async def test_odd_lists_of_seen_posts_are_refused(ada: Client, world: World, refused: Refused, body: object):
    refused(await ada.post("/v1/me/feed/seen", json=body), 422, "INVALID_FIELD")
    assert not world.feed.asked(feed_pb2.MarkSeenRequest)


async def test_nobody_sees_for_nobody(anonymous: Client):
    assert (await anonymous.post("/v1/me/feed/seen", json={"post_ids": ["7"]})).status_code == 401
    assert (await anonymous.get("/v1/posts/7/why")).status_code == 401


async def test_why_a_post_is_where_it_is(ada: Client, world: World, ada_id: int):
    reasons = [
        feed_pb2.Reason(feature="affinity", value=7, contribution=0.80004),
        feed_pb2.Reason(feature="seen", value=1, contribution=-0.25),
    ]
    world.feed.answer("ExplainPost", feed_pb2.ExplainPostResponse(score=0.55004, reasons=reasons))
    answer = await ada.get("/v1/posts/7/why")
    assert answer.json() == {
        "items": [
            {
                "feature": "affinity",
                "text": "You often like or comment on this person's posts",
                "contribution": 0.8,
            },
            {"feature": "seen", "text": "You have seen it already", "contribution": -0.25},
        ],
        "score": 0.55,
    }
    assert answer.headers["cache-control"] == "no-store"
    asked = feed_pb2.ExplainPostRequest(viewer_id=ada_id, post_id=7)
    assert world.feed.asked(feed_pb2.ExplainPostRequest) == [asked]


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("recency", 0.5, "Posted within the last hour"),
        ("recency", 1.5, "Posted 1 hour ago"),
        ("recency", 47.0, "Posted 47 hours ago"),
        ("recency", 49.0, "Posted 2 days ago"),
        ("likes", 1, "1 like"),
        ("likes", 12, "12 likes"),
        ("comments", 3, "3 comments"),
        ("affinity", 1, "You like or comment on this person's posts"),
        ("known_commenters", 1, "1 person you follow commented"),
        ("known_commenters", 2, "2 people you follow commented"),
        ("place", 1, "Near places you post from, or whose posts you like"),
        ("tags", 1, "Has tags that you follow, or whose posts you like"),
        ("weather", 1, "Another reason"),
    ],
)
async def test_reasons_are_said_in_plain_words(ada: Client, world: World, feature: str, value: float, text: str):
    reason = feed_pb2.Reason(feature=feature, value=value, contribution=0.1)
    world.feed.answer("ExplainPost", feed_pb2.ExplainPostResponse(score=0.1, reasons=[reason]))
    assert [item["text"] for item in (await ada.get("/v1/posts/7/why")).json()["items"]] == [text]


@pytest.mark.parametrize("reason", ["POST_NOT_FOUND", "NOT_IN_FEED"])
async def test_there_is_no_why_for_what_is_not_in_ones_feed(ada: Client, world: World, refused: Refused, reason: str):
    world.feed.answer("ExplainPost", NotFound(reason, "in other words"))
    assert json.loads(refused(await ada.get("/v1/posts/7/why"), 404, reason)["instance"].rpartition("/posts/")[2][0])
