"""The chronological feed as the ranked one reads it: what may be in it, and what of that is shown now."""

from collections.abc import Collection, Mapping, Sequence

from kit.errors import Unavailable

from feed_service.model import TOP, Entry, Shown, compose
from feed_service.service.candidates import Candidates
from feed_service.service.ports import Pieces
from feed_service.service.sight import Sight
from feed_service.service.top_ports import Ties
from feed_service.service.viewers import Viewers

_BRACKETS = slice(1, -1)


class Chronology:
    """Raises Unavailable when graph or post are down."""

    def __init__(self, candidates: Candidates, viewers: Viewers, sight: Sight, pieces: Pieces) -> None:
        self._candidates, self._viewers, self._sight, self._pieces = candidates, viewers, sight, pieces

    async def candidates(self, viewer_id: int, before: int, limit: int) -> tuple[Sequence[Entry], bool]:
        """Newest first, shorter than `limit` only at the end; and whether Cassandra is away."""
        try:
            return (await self._candidates.stored(viewer_id, before, limit)).entries, False
        except Unavailable as error:
            if error.reason != "CASSANDRA_UNAVAILABLE":
                raise
        return (await self._candidates.from_truth(viewer_id, before, limit)).entries, True

    async def shown(self, viewer_id: int, entries: Sequence[Entry]) -> Mapping[int, bytes]:
        """By id, as JSON: decided by the viewer's relations and the posts as they are now."""
        return {one.piece.entry.post_id: compose([one])[_BRACKETS] for one in await self._seen(viewer_id, entries)}

    async def visible(self, viewer_id: int, entries: Sequence[Entry]) -> Collection[int]:
        return {one.piece.entry.post_id for one in await self._seen(viewer_id, entries)}

    async def ties(self, viewer_id: int, accounts: Collection[int]) -> Ties:
        _, viewer = await self._viewers.open(viewer_id, TOP, 1, None)
        await self._viewers.know(viewer, accounts)
        how = viewer.known
        known = (one for one in accounts if how[one].following and not (how[one].muting or how[one].blocked))
        return Ties(frozenset(known), frozenset(viewer.relations.tags))

    async def _seen(self, viewer_id: int, entries: Sequence[Entry]) -> Sequence[Shown]:
        if not entries:
            return ()
        _, viewer = await self._viewers.open(viewer_id, TOP, 1, None)
        tags = set(viewer.relations.tags)
        tagged: set[int] = set()
        if tags:
            pieces = await self._pieces.get([entry.post_id for entry in entries])
            tagged = {post_id for post_id, piece in pieces.items() if not tags.isdisjoint(piece.tags)}
        return await self._sight.seen(viewer, entries, tagged)
