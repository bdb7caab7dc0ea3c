"""What of the candidates a viewer sees. Every way of reading a feed asks here, and nowhere else is it decided."""

from collections.abc import Collection, Mapping, Sequence

from prometheus_client import Counter

from feed_service.model import STRANGER, Entry, Piece, Shown, belongs
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
        await self._viewers.know(viewer, {entry.author_id for entry in entries})
        pieces = await self._pieces.get([entry.post_id for entry in entries])
        left = _left(viewer, entries, pieces, tagged)
        if len(left) < len(entries):
            HIDDEN.inc(len(entries) - len(left))
        await self._viewers.know_likes(viewer, [piece.entry.post_id for piece in left])
        if viewer.relations.blocked is None:
            await self._viewers.know(viewer, {one.user_id for piece in left for one in piece.mentions})
        return [
            Shown(piece, viewer.likes_post(piece.entry.post_id) or False, _encoded(viewer, piece)) for piece in left
        ]


def _left(
    viewer: Viewer, entries: Sequence[Entry], pieces: Mapping[int, Piece], tagged: Collection[int]
) -> Sequence[Piece]:
    left: list[Piece] = []
    for post_id, author_id in entries:
        piece = pieces.get(post_id)
        if piece is None or piece.entry.author_id != author_id:
            continue
        relation = viewer.known.get(author_id, STRANGER)
        if belongs(viewer.id, author_id, relation, piece.demand, tagged=post_id in tagged):
            left.append(piece)
    return left


def _encoded(viewer: Viewer, piece: Piece) -> bytes:
    """Without mentions of accounts that there is a block with."""
    if not piece.mentions:
        return piece.encoded
    blocked = viewer.relations.blocked
    if blocked is None:
        blocked = frozenset(one.user_id for one in piece.mentions if viewer.relation(one.user_id).blocked)
    return piece.without(blocked) if blocked else piece.encoded
