"""The query of a home feed, when there is nothing unusual about it."""

import re
from collections.abc import Sequence

from heliograph.feed.v1.feed_pb2 import Order
from msgspec import Struct

from gateway import home
from gateway.pages import quoted
from gateway.schemas.requests import DEFAULT_LIMIT, LARGEST_LIMIT

_PLAIN = re.compile(rb"(?P<name>limit)=(?P<limit>[1-9][0-9]{0,3})|(?P<other>order)=(?P<order>latest|top)")
_CURSOR = re.compile(rb"cursor=([A-Za-z0-9_-]{1,4096})")
_MOST_KEPT = 4096


class Query(Struct, frozen=True):
    """`scope` is that of its cursors without the viewer, `link` the header of the next page up to the cursor."""

    limit: int
    order: Order.ValueType
    scope: str
    link: bytes


class Queries:
    """Those without a cursor are remembered: there are few."""

    def __init__(self, public_url: str) -> None:
        self._url = quoted(public_url.rstrip("/") + home.PATH)
        self._known: dict[bytes, Query] = {}

    def read(self, text: bytes) -> tuple[Query, str] | None:
        """The query and its cursor. None for anything that is to be looked at more closely."""
        query = self._known.get(text)
        if query is not None:
            return query, ""
        parts = text.split(b"&") if text else []
        cursors = [part for part in parts if part.startswith(b"cursor=")]
        rest = b"&".join(part for part in parts if not part.startswith(b"cursor="))
        query = self._known.get(rest) or self._learn(rest)
        if query is None or not cursors:
            return (query, "") if query else None
        found = _CURSOR.fullmatch(cursors[0])
        return (query, found[1].decode()) if found and len(cursors) == 1 else None

    def _learn(self, text: bytes) -> Query | None:
        query = self._parsed(text.split(b"&") if text else [])
        if query is not None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[text] = query
        return query

    def _parsed(self, parts: Sequence[bytes]) -> Query | None:
        found = [_PLAIN.fullmatch(part) for part in parts]
        asked = {one["name"] or one["other"]: one["limit"] or one["order"] for one in found if one}
        if len(asked) != len(parts):
            return None  # unknown, odd or there twice
        order = asked.get(b"order", b"latest").decode()
        return Query(
            limit=min(int(asked.get(b"limit", DEFAULT_LIMIT)), LARGEST_LIMIT),
            order=home.ORDERS[order],
            scope=f"{home.PATH}?{'order=' + order if b'order' in asked else ''}#",
            link=f"<{self._url}?{''.join(part.decode() + '&' for part in parts)}cursor=".encode(),
        )
