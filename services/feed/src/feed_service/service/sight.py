"""What of the candidates a viewer sees. Every way of reading a feed asks here, and nowhere else is it decided."""

from collections.abc import Collection, Mapping, Sequence

from prometheus_client import Counter

from feed_service.model import Entry, Piece, Shown, belongs
from feed_service.service.ports import Pieces
from feed_service.service.viewers import Viewer, Viewers

HIDDEN = Counter("heliograph_feed_hidden_candidates_total", "Candidates that the viewer may not see any more")


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
        left = _left(viewer, entries, pieces, tagged)
        if len(left) < len(entries):
            HIDDEN.inc(len(entries) - len(left))
        liked = await self._viewers.liked(viewer, [piece.entry.post_id for piece in left])
        if viewer.relations.blocked is None:
            await self._viewers.know(viewer, [one.user_id for piece in left for one in piece.mentions])
        return [
            Shown(
                piece,
                piece.entry.post_id in liked,
                _without_blocked(viewer, piece) if piece.mentions else piece.encoded,
            )
            for piece in left
        ]


def _left(
    viewer: Viewer, entries: Sequence[Entry], pieces: Mapping[int, Piece], tagged: Collection[int]
) -> Sequence[Piece]:
    viewer_id, known = viewer.id, viewer.known
    left: list[Piece] = []
    for entry in entries:
        piece = pieces.get(entry.post_id)
        if piece is None or piece.entry != entry:  # of another author: no row of ours
            continue
        author_id = entry.author_id
        if belongs(viewer_id, author_id, known[author_id], piece.demand, tagged=entry.post_id in tagged):
            left.append(piece)
    return left


def _without_blocked(viewer: Viewer, piece: Piece) -> bytes:
    """Accounts that there is a block with are not mentioned."""
    blocked = viewer.relations.blocked
    if blocked is None:
        blocked = frozenset(one.user_id for one in piece.mentions if viewer.known[one.user_id].blocked)
    return piece.without(blocked) if blocked else piece.encoded
