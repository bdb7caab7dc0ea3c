"""Calls to graph and post."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heliograph.graph.v1.graph_pb2 import (
    BatchGetCountsRequest,
    PackFollowersRequest,
    PackFollowingRequest,
    PackRelationsRequest,
    PackRelationsResponse,
)
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1 import fragments_pb2 as pb
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceStub
from heliograph.post.v1.post_pb2 import BatchGetPostsRequest, ListPostIdsRequest, Post
from heliograph.post.v1.post_pb2_grpc import PostServiceStub

from feed_service.model import TOP, Demand, Entry, Mention, Piece, Place, Relation, Relations, merge, piece, unpack

_FOLLOWING_PAGE = 10_000
_RELATIONS_PAGE = 10_000
_LIKES_PAGE = 1_000
_AUTHORS_AT_ONCE = 1_000
_POSTS_AT_ONCE = 100


@dataclass(slots=True)
class _Marks:
    following: bool = False
    muting: bool = False
    blocked: bool = False
    close_friend: bool = False
    muted_until: int = 0  # unix seconds


class GraphClient:
    def __init__(self, stub: GraphServiceStub) -> None:
        self._stub = stub

    async def relations_of(self, user_id: int) -> Relations:
        """Page by page: accounts come in rising order of id, so that no page takes from another."""
        known: dict[int, _Marks] = defaultdict(_Marks)
        tags: list[str] = []
        after = 0
        while True:
            page = await self._stub.PackRelations(
                PackRelationsRequest(user_id=user_id, after_id=after, page_size=_RELATIONS_PAGE)
            )
            tags += page.tags
            _take(page, known)
            after = page.next_after_id
            if not after:
                break
        relations = {one: Relation(m.following, m.muting, m.blocked, m.close_friend) for one, m in known.items()}
        until = {one: marks.muted_until for one, marks in known.items() if marks.muted_until}
        blocked = frozenset(one for one, relation in relations.items() if relation.blocked)
        return Relations(relations, whole=True, tags=tags, blocked=blocked, muted_until=until)

    async def following(self, user_id: int) -> Sequence[int]:
        found: list[int] = []
        after = 0
        while True:
            page = await self._stub.PackFollowing(
                PackFollowingRequest(user_id=user_id, after_id=after, page_size=_FOLLOWING_PAGE)
            )
            found += unpack(page.ids)
            after = page.next_after_id
            if not after:
                return found

    async def followers(self, author_id: int) -> int:
        answer = await self._stub.BatchGetCounts(BatchGetCountsRequest(ids=[author_id]))
        return sum(counts.followers for counts in answer.counts)

    async def follower_page(self, author_id: int, after: int, size: int) -> tuple[bytes, int]:
        page = await self._stub.PackFollowers(PackFollowersRequest(user_id=author_id, after_id=after, page_size=size))
        return page.ids, page.next_after_id


class PostClient:
    def __init__(self, stub: PostServiceStub) -> None:
        self._stub = stub

    async def newest(self, author_ids: Sequence[int], before: int, limit: int) -> Sequence[Entry]:
        """Any number of authors, any limit."""
        found: list[Entry] = []
        while len(found) < limit:
            size = min(limit - len(found), _POSTS_AT_ONCE)
            page = await self._page(author_ids, found[-1].post_id if found else before, size)
            found += page
            if len(page) < size:
                break
        return found

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Post]:
        """At most 200 ids."""
        answer = await self._stub.BatchGetPosts(BatchGetPostsRequest(viewer_id=viewer_id, ids=ids))
        return {post.id: post for post in answer.posts}

    async def _page(self, author_ids: Sequence[int], before: int, size: int) -> Sequence[Entry]:
        groups = [author_ids[start : start + _AUTHORS_AT_ONCE] for start in range(0, len(author_ids), _AUTHORS_AT_ONCE)]
        return merge(await asyncio.gather(*(self._of_group(group, before, size) for group in groups)), size)

    async def _of_group(self, author_ids: Sequence[int], before: int, size: int) -> Sequence[Entry]:
        answer = await self._stub.ListPostIds(
            ListPostIdsRequest(author_ids=author_ids, before_id=before, page_size=size)
        )
        return [Entry(post.post_id, post.author_id) for post in answer.posts]


class FragmentClient:
    """Posts as pieces, and who likes what. At most 200 ids in a call. `slow` is for calls that take their time: in a
    batch (kit.many) others would wait for them."""

    def __init__(self, stub: FragmentServiceStub, slow: FragmentServiceStub) -> None:
        self._stub, self._slow = stub, slow

    async def pieces(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        answer = await self._stub.GetFragments(pb.GetFragmentsRequest(ids=ids, features=True))
        authors = {author.id: author.json for author in answer.authors}
        return {
            one.post_id: _piece(one, authors[one.author_id]) for one in answer.fragments if one.author_id in authors
        }

    async def counts(self, ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        answer = await self._stub.GetCounts(pb.GetCountsRequest(ids=ids))
        return dict(zip(ids, zip(answer.likes, answer.comments, strict=False), strict=False))

    async def published(self) -> None:
        """Returns once Kafka has what had changed of posts and accounts before the call."""
        await self._slow.AwaitPublished(pb.AwaitPublishedRequest())

    async def liked(self, user_id: int, ids: Sequence[int]) -> frozenset[int]:
        answer = await self._stub.GetLiked(pb.GetLikedRequest(user_id=user_id, ids=ids))
        return frozenset(answer.ids)

    async def newest_likes(self, user_id: int, limit: int) -> tuple[Sequence[tuple[int, int]], int]:
        answer = await self._stub.ListLikedIds(pb.ListLikedIdsRequest(user_id=user_id, page_size=limit))
        likes = [(like.post_id, like.change_id) for like in answer.likes]
        return likes, likes[-1][0] if len(likes) == limit else 0

    async def commenters(self, ids: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """Those of late, by post, whoever may see them."""
        answer = await self._stub.ListCommenters(pb.ListCommentersRequest(post_ids=ids))
        return {one.post_id: one.user_ids for one in answer.posts}

    async def with_tag(self, tag: str, before: int, limit: int) -> Sequence[Entry]:
        answer = await self._stub.ListTagPostIds(
            pb.ListTagPostIdsRequest(tag=tag, before_id=0 if before == TOP else before, page_size=limit)
        )
        return [Entry(post.post_id, post.author_id) for post in answer.posts]


def _take(page: PackRelationsResponse, known: dict[int, _Marks]) -> None:
    for one in unpack(page.following):
        known[one].following = True
    for one in unpack(page.blocked):
        known[one].blocked = True
    for one in unpack(page.close_friend_of):
        known[one].close_friend = True
    for one in unpack(page.muted):
        known[one].muting = True
    for mute in page.timed_mutes:
        known[mute.user_id].muting = True
        known[mute.user_id].muted_until = mute.until.seconds


def _piece(fragment: pb.Fragment, author: bytes) -> Piece:
    demand, features = fragment.demand, fragment.features
    return piece(
        Entry(fragment.post_id, fragment.author_id),
        Demand(demand.author, demand.follower, demand.close_friend),
        author=author,
        body=fragment.body,
        mentions=[Mention(mention.user_id, mention.username) for mention in fragment.mentions],
        hidden=tuple(fragment.hidden_mention_ids),
        likes=fragment.counts.likes,
        comments=fragment.counts.comments,
        tags=tuple(features.tags),
        place=Place(features.location.latitude, features.location.longitude) if features.HasField("location") else None,
    )
