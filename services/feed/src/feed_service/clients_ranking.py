"""What the ranked order asks of post and graph."""

import asyncio
from collections.abc import Mapping, Sequence

from heliograph.graph.v1.graph_pb2 import PackRelationsRequest
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1 import fragments_pb2 as pb
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceStub

from feed_service.model import unpack
from feed_service.model.ranking import Cell, PostFacts, cell_of
from feed_service.service.top_ports import Ties

_POSTS_AT_ONCE = 200
_ACCOUNTS_AT_ONCE = 10_000


class FactsClient:
    def __init__(self, posts: FragmentServiceStub, graph: GraphServiceStub) -> None:
        self._posts, self._graph = posts, graph

    async def of_posts(self, post_ids: Sequence[int]) -> Sequence[PostFacts]:
        """Raises Unavailable."""
        found = await asyncio.gather(*(self._of_some(some) for some in _cut(post_ids)))
        return [post for some in found for post in some]

    async def contents(self, post_ids: Sequence[int]) -> Mapping[int, PostFacts]:
        """Raises Unavailable."""
        found = await asyncio.gather(*(self._fragments(some) for some in _cut(post_ids)))
        return {one.post_id: _facts(one, ()) for some in found for one in some}

    async def ties(self, viewer_id: int) -> Ties:
        """Raises Unavailable."""
        following, muted, tags, after = set[int](), set[int](), list[str](), 0
        while True:
            request = PackRelationsRequest(user_id=viewer_id, after_id=after, page_size=_ACCOUNTS_AT_ONCE)
            page = await self._graph.PackRelations(request)
            following.update(unpack(page.following))
            muted.update(unpack(page.muted), (one.user_id for one in page.timed_mutes))
            tags += page.tags
            after = page.next_after_id
            if not after:
                return Ties(frozenset(following - muted), frozenset(tags))

    async def _of_some(self, post_ids: Sequence[int]) -> Sequence[PostFacts]:
        fragments, commenters = await asyncio.gather(
            self._fragments(post_ids), self._posts.ListCommenters(pb.ListCommentersRequest(post_ids=post_ids))
        )
        people = {one.post_id: list(one.user_ids) for one in commenters.posts}
        return [_facts(one, people.get(one.post_id, ())) for one in fragments]

    async def _fragments(self, post_ids: Sequence[int]) -> Sequence[pb.Fragment]:
        answer = await self._posts.GetFragments(pb.GetFragmentsRequest(ids=post_ids, features=True))
        return answer.fragments


def _cut(post_ids: Sequence[int]) -> Sequence[Sequence[int]]:
    return [post_ids[start : start + _POSTS_AT_ONCE] for start in range(0, len(post_ids), _POSTS_AT_ONCE)]


def _facts(fragment: pb.Fragment, commenters: Sequence[int]) -> PostFacts:
    counts, features = fragment.counts, fragment.features
    return PostFacts(
        fragment.post_id,
        fragment.author_id,
        likes=counts.likes,
        comments=counts.comments,
        tags=list(features.tags),
        cell=_cell(features),
        commenters=commenters,
    )


def _cell(features: pb.Features) -> Cell | None:
    place = features.location
    return cell_of(place.latitude, place.longitude) if features.HasField("location") else None
