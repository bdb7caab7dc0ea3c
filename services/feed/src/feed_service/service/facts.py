"""What ranking knows of posts, from their pieces."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from feed_service.model import Piece
from feed_service.model.ranking import PostFacts, cell_of

_POSTS_AT_ONCE = 200

Pieces = Callable[[Sequence[int]], Awaitable[Mapping[int, Piece]]]
Commenters = Callable[[Sequence[int]], Awaitable[Mapping[int, Sequence[int]]]]


class PeersFacts:
    """`pieces` and `commenters` answer what there is of at most 200 posts."""

    def __init__(self, pieces: Pieces, commenters: Commenters) -> None:
        self._pieces, self._commenters = pieces, commenters

    async def of_posts(self, post_ids: Sequence[int]) -> Sequence[PostFacts]:
        """Raises Unavailable."""
        found = await asyncio.gather(*(self._of_some(some) for some in _cut(post_ids)))
        return [post for some in found for post in some]

    async def contents(self, post_ids: Sequence[int]) -> Mapping[int, PostFacts]:
        """Raises Unavailable."""
        found = await asyncio.gather(*(self._pieces(some) for some in _cut(post_ids)))
        return {post_id: _facts(one, ()) for some in found for post_id, one in some.items()}

    async def _of_some(self, post_ids: Sequence[int]) -> Sequence[PostFacts]:
        pieces, commenters = await asyncio.gather(self._pieces(post_ids), self._commenters(post_ids))
        return [_facts(one, commenters.get(post_id, ())) for post_id, one in pieces.items()]


def _cut(post_ids: Sequence[int]) -> Sequence[Sequence[int]]:
    return [post_ids[start : start + _POSTS_AT_ONCE] for start in range(0, len(post_ids), _POSTS_AT_ONCE)]


def _facts(one: Piece, commenters: Sequence[int]) -> PostFacts:
    cell = cell_of(one.place.latitude, one.place.longitude) if one.place else None
    return PostFacts(one.entry.post_id, one.entry.author_id, one.likes, one.comments, one.tags, cell, commenters)
