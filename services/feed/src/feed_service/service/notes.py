"""Keeping what is at hand of viewers right, as things happen. What is told here may come in any order, more than once,
and from two sides: at once by who saw it committed, and by its event."""

from collections.abc import Iterable

from feed_service.model import Entry, pack
from feed_service.service.ports import Views, Warm


class Notes:
    """Raises Unavailable REDIS_UNAVAILABLE: whoever cannot be sure that it was heard tells it again."""

    def __init__(self, warm: Warm, views: Views) -> None:
        self._warm, self._views = warm, views

    async def posted(self, entry: Entry) -> None:
        """Into the author's own timeline, where it is warm: the fan-out brings a post only once it is published."""
        await self._warm.push(entry, pack([entry.author_id]))

    async def liked(self, user_id: int, post_id: int, change_id: int, *, liked: bool) -> None:
        if change_id:  # none when it was so already
            await self._views.like(user_id, post_id, change_id, liked=liked)

    async def relations_changed(self, user_ids: Iterable[int]) -> None:
        """Of these accounts to others. Reads that begin after this see it."""
        for user_id in user_ids:
            await self._views.close_relations(user_id)
