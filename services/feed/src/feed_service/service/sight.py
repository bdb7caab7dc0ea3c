"""What of the candidates a viewer sees. Every way of reading a feed asks here, and nowhere else is it decided."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from prometheus_client import Counter

from feed_service.model import Entry, Piece, Shown, belongs
from feed_service.service.ports import Pieces
from feed_service.service.viewers import Viewer, Viewers

HIDDEN = Counter("heliograph_feed_hidden_candidates_total", "Candidates that the viewer may not see any more")
_shown: Callable[[tuple[Piece, bool, bytes]], Shown] = partial(tuple.__new__, Shown)  # half the cost of calling it


class Sight:
    """`seen` answers posts ready to be sent (`model.compose` joins them), with what ranks them in their pieces."""

    def __init__(self, viewers: Viewers, pieces: Pieces) -> None:
        self._viewers, self._pieces = viewers, pieces

    async def seen(self, viewer: Viewer, entries: Sequence[Entry], tagged: Collection[int] = ()) -> Sequence[Shown]:
        """Those that belong in the viewer's feed now, in the same order. `tagged` are the posts among them that have a
        tag which the viewer follows. Raises Unavailable GRAPH_UNAVAILABLE, POST_UNAVAILABLE."""
        if not entries:
            return ()
        await self._viewers.know(viewer, [author_id for _, author_id in entries])
        pieces = await self._pieces.get([post_id for post_id, _ in entries])
        ids, left = _left(viewer, entries, pieces, tagged)
        if len(left) < len(entries):
            HIDDEN.inc(len(entries) - len(left))
        liked = await self._viewers.liked(viewer, ids)
        encoded = await self._encoded(viewer, left)
        return list(map(_shown, zip(left, [post_id in liked for post_id in ids], encoded, strict=True)))

    async def _encoded(self, viewer: Viewer, pieces: Sequence[Piece]) -> Sequence[bytes]:
        """Accounts that there is a block with are not mentioned."""
        blocked = viewer.relations.blocked
        if blocked is None:
            await self._viewers.know(viewer, [one.user_id for piece in pieces for one in piece.mentions])
        elif not blocked:
            return [piece.encoded for piece in pieces]
        return [_without_blocked(viewer, piece) if piece.mentions else piece.encoded for piece in pieces]


def _left(
    viewer: Viewer, entries: Sequence[Entry], pieces: Mapping[int, Piece], tagged: Collection[int]
) -> tuple[list[int], list[Piece]]:
    """With their ids."""
    viewer_id, known = viewer.id, viewer.known
    ids: list[int] = []
    left: list[Piece] = []
    for post_id, author_id in entries:
        piece = pieces.get(post_id)
        if piece is None or piece.entry.author_id != author_id:  # of another author: no row of ours
            continue
        if belongs(viewer_id, author_id, known[author_id], piece.demand, tagged=post_id in tagged):
            ids.append(post_id)
            left.append(piece)
    return ids, left


def _without_blocked(viewer: Viewer, piece: Piece) -> bytes:
    blocked = viewer.relations.blocked
    if blocked is None:
        blocked = frozenset(one.user_id for one in piece.mentions if viewer.known[one.user_id].blocked)
    return piece.without(blocked) if blocked else piece.encoded
