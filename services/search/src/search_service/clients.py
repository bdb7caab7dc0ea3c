"""Calls to the owners of what is searched: user, graph and post."""

from collections.abc import Mapping, Sequence

from heliograph.events.v1.post_events_pb2 import PostEvent, PostSnapshot
from heliograph.graph.v1.graph_pb2 import BatchGetRelationshipsRequest
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2 import AUDIENCE_PUBLIC, BatchGetPostsRequest, Post
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.post.v1.scan_pb2 import ScanPostsRequest
from heliograph.post.v1.scan_pb2_grpc import ScanServiceStub
from heliograph.user.v1.admin_pb2 import ScanProfilesRequest
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, BatchGetProfilesRequest, Profile
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.proto import datetime_of

from search_service.model import Author, Place, PostDocument, Relation, ScannedPost, Tombstone, UserDocument


class Users:
    def __init__(self, stub: UserServiceStub) -> None:
        self._stub = stub

    async def findable(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Profile]:
        """Active accounts by id; those that want not to be found are left out, save to themselves."""
        answer = await self._stub.BatchGetProfiles(BatchGetProfilesRequest(ids=ids))
        active = [profile for profile in answer.profiles if profile.state == ACCOUNT_STATE_ACTIVE]
        return {profile.id: profile for profile in active if not profile.unlisted or profile.id == viewer_id}

    async def author(self, author_id: int) -> Author:
        """Closed also when the account is gone."""
        answer = await self._stub.BatchGetProfiles(BatchGetProfilesRequest(ids=[author_id]))
        for profile in answer.profiles:
            return _author(profile)
        return Author(author_id, open=False, version=0)


class Graph:
    def __init__(self, stub: GraphServiceStub) -> None:
        self._stub = stub

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Relation]:
        request = BatchGetRelationshipsRequest(viewer_id=viewer_id, ids=ids)
        answer = await self._stub.BatchGetRelationships(request)
        return {found.id: Relation(found.blocking or found.blocked_by) for found in answer.relationships}


class Posts:
    def __init__(self, stub: PostServiceStub) -> None:
        self._stub = stub

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Post]:
        """Posts that the viewer may see, by id."""
        answer = await self._stub.BatchGetPosts(BatchGetPostsRequest(viewer_id=viewer_id, ids=ids))
        return {post.id: post for post in answer.posts}


class Truth:
    """Everything, for building the index anew."""

    def __init__(self, users: UserServiceStub, accounts: AdminServiceStub, posts: ScanServiceStub) -> None:
        self._users, self._accounts, self._posts = users, accounts, posts

    async def users(self, after: int, limit: int) -> tuple[Sequence[UserDocument], int]:
        answer = await self._accounts.ScanProfiles(ScanProfilesRequest(after_id=after, page_size=limit))
        return [user_document(profile) for profile in answer.profiles], answer.next_after_id

    async def posts(self, after: int, limit: int) -> tuple[Sequence[ScannedPost | Tombstone], int]:
        answer = await self._posts.ScanPosts(ScanPostsRequest(after_id=after, page_size=limit))
        return [_scanned(event) for event in answer.posts], answer.next_after_id

    async def authors(self, ids: Sequence[int]) -> Mapping[int, Author]:
        """Accounts that exist; at most 200 ids."""
        if not ids:
            return {}
        answer = await self._users.BatchGetProfiles(BatchGetProfilesRequest(ids=ids))
        return {profile.id: _author(profile) for profile in answer.profiles}


def user_document(profile: Profile) -> UserDocument:
    active = profile.state == ACCOUNT_STATE_ACTIVE
    return UserDocument(profile.id, profile.version, profile.username, profile.name, active)


def post_document(post: PostSnapshot) -> PostDocument:
    place = None
    if post.HasField("location"):
        place = Place(post.location.name, post.location.latitude, post.location.longitude)
    return PostDocument(
        post_id=post.post_id,
        version=post.version,
        author_id=post.author_id,
        title=post.title,
        caption=post.caption,
        tags=tuple(post.tags),
        place=place,
        public=False,  # IndexService decides, knowing the account
        created_at=datetime_of(post.created_at),
    )


def _scanned(event: PostEvent) -> ScannedPost | Tombstone:
    if event.WhichOneof("event") == "post_deleted":
        gone = event.post_deleted
        return Tombstone(gone.post_id, gone.version, datetime_of(gone.deleted_at))
    post = event.post_published.post
    return ScannedPost(post_document(post), post.audience == AUDIENCE_PUBLIC)


def _author(profile: Profile) -> Author:
    is_open = profile.state == ACCOUNT_STATE_ACTIVE and not profile.private_account
    return Author(profile.id, is_open, profile.version)
