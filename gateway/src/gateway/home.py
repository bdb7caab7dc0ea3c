"""A page of the home feed as it is sent: the feed service answers posts that are encoded already."""

from collections.abc import Mapping

from heliograph.feed.v1.feed_pb2 import ORDER_LATEST, ORDER_TOP, GetHomePageResponse, Order

PATH = "/v1/me/feed"
SECONDS = 3.0
ORDERS: Mapping[str, Order.ValueType] = {"latest": ORDER_LATEST, "top": ORDER_TOP}


def encoded(page: GetHomePageResponse, cursor: str | None) -> bytes:
    """The JSON of `lists.Feed`. `cursor` is the signed one of the next page."""
    following = b'"%s"' % cursor.encode() if cursor else b"null"
    return b'{"items":%s,"next":%s,"degraded":%s}' % (
        page.items or b"[]", following, b"true" if page.degraded else b"false",
    )  # fmt: skip
