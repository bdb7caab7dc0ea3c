"""Posts that were on the screen."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from kit.errors import FieldViolation, InvalidArgument, Unavailable

from feed_service.service.top_ports import Impressions, SeenPosts

MOST = 200  # ids


class Visible(Protocol):
    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Any]:
        """Those that the viewer may see, by id. At most 200."""
        ...


class Seen:
    def __init__(
        self, posts: Visible, seen: SeenPosts, impressions: Impressions, *, now: Callable[[], datetime]
    ) -> None:
        self._posts, self._seen, self._impressions, self._now = posts, seen, impressions, now

    async def mark(self, viewer_id: int, post_ids: Sequence[int], order: str) -> int:
        """How many of them were not known as seen. What the viewer may not see is left out; without Redis nothing is
        remembered and nobody is told so: they show up again, that is all. Raises InvalidArgument INVALID_FIELD,
        Unavailable when post is down."""
        asked = _checked(post_ids)
        if not asked:
            return 0
        visible = await self._posts.visible(viewer_id, asked)
        found = [one for one in asked if one in visible]
        if not found:
            return 0
        await self._impressions.seen(viewer_id, found, order, self._now())
        try:
            return await self._seen.mark(viewer_id, found)
        except Unavailable:
            return 0


def _checked(post_ids: Sequence[int]) -> Sequence[int]:
    """Each once."""
    if len(post_ids) > MOST:
        raise _invalid(f"at most {MOST} posts at once")
    if any(one <= 0 for one in post_ids):
        raise _invalid("not an id")
    return list(dict.fromkeys(post_ids))


def _invalid(detail: str) -> InvalidArgument:
    return InvalidArgument("INVALID_FIELD", detail, fields=[FieldViolation("/post_ids", detail)])
