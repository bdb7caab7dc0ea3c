"""Counts of likes, comments and replies: applied at once after the commit, and again by the event for certain.

Both carry the same change id, so a change counts once whoever comes first.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

from kit import log
from kit.errors import from_exception

from post_service.model.changes import LikeChanged
from post_service.model.comments import CommentCounts
from post_service.model.posts import PostCounts

T = TypeVar("T")

logger = log.get(__name__)


class Counter(Protocol):
    """kit.counters, as far as it is used here."""

    async def apply(self, entity_id: int, field: str, delta: int, change_id: str) -> Mapping[str, int]: ...

    async def apply_many(self, entity_id: int, field: str, deltas: Mapping[str, int]) -> Mapping[str, int]: ...

    async def get(self, ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]: ...


class Tallies:
    def __init__(self, posts: Counter, comments: Counter) -> None:
        self._posts = posts
        self._comments = comments

    async def of_posts(self, ids: Sequence[int]) -> dict[int, PostCounts]:
        found = await self._posts.get(ids)
        return {post_id: _post_counts(found.get(post_id, {})) for post_id in ids}

    async def of_comments(self, ids: Sequence[int]) -> dict[int, CommentCounts]:
        found = await self._comments.get(ids)
        return {comment_id: CommentCounts(replies=found.get(comment_id, {}).get("replies", 0)) for comment_id in ids}

    async def likes_changed(self, post_id: int, changes: Iterable[LikeChanged]) -> PostCounts:
        """The post's counts with these changes in them."""
        deltas = {str(change.change_id): 1 if change.liked else -1 for change in changes}
        return _post_counts(await self._posts.apply_many(post_id, "likes", deltas))

    async def liked(self, post_id: int, change_id: int) -> None:
        await self._posts.apply_many(post_id, "likes", {str(change_id): 1})

    async def unliked(self, post_id: int, change_id: int) -> None:
        await self._posts.apply_many(post_id, "likes", {str(change_id): -1})

    async def commented(self, post_id: int, comment_id: int, reply_to: int) -> None:
        await self._comment_change(post_id, reply_to, 1, f"c{comment_id}")

    async def uncommented(self, post_id: int, comment_id: int, reply_to: int, removed: int) -> None:
        await self._comment_change(post_id, reply_to, -removed, f"d{comment_id}")

    async def _comment_change(self, post_id: int, reply_to: int, delta: int, change_id: str) -> None:
        changes = [self._posts.apply(post_id, "comments", delta, change_id)]
        if reply_to:
            changes.append(self._comments.apply(reply_to, "replies", delta, change_id))
        await asyncio.gather(*changes)


async def at_once(change: Awaitable[T]) -> T | None:
    """The outcome of a change that the event will make anyway: None in an outage of the counters, which must not fail
    what is committed."""
    try:
        return await change
    except Exception as error:
        if from_exception(error) is None:
            raise
        logger.warning("counted later, by the event", error=repr(error))
        return None


def _post_counts(fields: Mapping[str, int]) -> PostCounts:
    return _same_counts(fields.get("likes", 0), fields.get("comments", 0))


@lru_cache(4096)
def _same_counts(likes: int, comments: int) -> PostCounts:
    """Half of what a feed reads is the same few numbers, and they cost more to make than to find."""
    return PostCounts(likes, comments)
