"""Use cases: search, where every hit is a candidate that its owner still has to show; and keeping the index true."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from kit.errors import Unavailable

from search_service.model import (
    Author,
    Hit,
    Place,
    PostDocument,
    Relation,
    TagCount,
    UserDocument,
    clean_query,
    clean_tag,
    hit_of,
    offset_of,
    token_after,
    token_at,
)

ProfileT = TypeVar("ProfileT")
PostT = TypeVar("PostT")
ItemT = TypeVar("ItemT")
ProfileT_co = TypeVar("ProfileT_co", covariant=True)
PostT_co = TypeVar("PostT_co", covariant=True)

_MOST_AT_ONCE = 200  # ids that the other services take in one call
_MAX_LOOKS = 20
"""A page that is not full after so many looks (thousands of hidden candidates) ends early, with a token to go on from:
a bound on one call's cost."""


class Candidates(Protocol):
    """The index, as search reads it."""

    async def find_users(self, query: str, after: Hit | None, size: int) -> list[Hit]: ...
    async def find_posts(self, viewer_id: int, query: str, after: Hit | None, size: int) -> list[Hit]: ...
    async def find_tags(self, prefix: str) -> list[TagCount]: ...
    async def count_tag(self, tag: str) -> int: ...
    async def find_places(self, query: str) -> list[Place]: ...


class Documents(Protocol):
    """The index, as its keeper writes it."""

    async def put_user(self, user: UserDocument) -> None: ...
    async def put_post(self, post: PostDocument, *, audience_public: bool) -> None: ...
    async def bury_post(self, post_id: int, version: int, deleted_at: datetime) -> None: ...
    async def forget_account(self, user_id: int) -> int: ...
    async def set_author_open(self, author_id: int, *, is_open: bool) -> None: ...


class ProfileSource(Protocol[ProfileT_co]):
    async def findable(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, ProfileT_co]: ...


class AuthorSource(Protocol):
    async def author(self, author_id: int) -> Author: ...


class RelationSource(Protocol):
    async def relations(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Relation]: ...


class PostSource(Protocol[PostT_co]):
    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, PostT_co]: ...


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """`next_token` is empty at the end."""

    items: list[ItemT]
    next_token: str


class SearchService(Generic[ProfileT, PostT]):
    """Profiles and posts pass through as their owners gave them."""

    def __init__(
        self,
        index: Candidates,
        users: ProfileSource[ProfileT],
        graph: RelationSource,
        posts: PostSource[PostT],
    ) -> None:
        self._index = index
        self._users = users
        self._graph = graph
        self._posts = posts

    async def users(self, viewer_id: int, query: str, size: int, token: str) -> Page[ProfileT]:
        """Active accounts that let themselves be found, without a block between them and the viewer, best first."""
        folded = clean_query(query)

        async def shown(ids: Sequence[int]) -> Mapping[int, ProfileT]:
            profiles = await self._users.findable(viewer_id, ids)
            blocked = await self._blocked(viewer_id, ids)
            return {id_: found for id_, found in profiles.items() if id_ not in blocked}

        return await _full_page(
            lambda after, count: self._index.find_users(folded, after, count), shown, size, hit_of(token)
        )

    async def posts(self, viewer_id: int, query: str, size: int, token: str) -> Page[PostT]:
        """Public posts and the viewer's own, as far as the viewer may see them, best first."""
        folded = clean_query(query)

        async def shown(ids: Sequence[int]) -> Mapping[int, PostT]:
            return await self._posts.visible(viewer_id, ids)

        return await _full_page(
            lambda after, count: self._index.find_posts(viewer_id, folded, after, count), shown, size, hit_of(token)
        )

    async def _blocked(self, viewer_id: int, ids: Sequence[int]) -> set[int]:
        if not viewer_id:
            return set()
        relations = await self._graph.relations(viewer_id, ids)
        return {id_ for id_, relation in relations.items() if relation.blocked}

    async def tags(self, query: str, size: int, token: str) -> Page[TagCount]:
        """Tags of public posts by prefix, most used first."""
        offset = offset_of(token)
        return _slice(await self._index.find_tags(clean_tag(query)), offset, size)

    async def tag_posts(self, tag: str) -> int:
        """Public posts that carry exactly this tag."""
        return await self._index.count_tag(tag)

    async def places(self, query: str, size: int, token: str) -> Page[Place]:
        """Places of public posts by name, most used first."""
        offset = offset_of(token)
        return _slice(await self._index.find_places(clean_query(query)), offset, size)


class IndexService:
    """Copies what changed into the index. Every method may be repeated and may come late."""

    def __init__(self, index: Documents, authors: AuthorSource) -> None:
        self._index = index
        self._authors = authors

    async def put_user(self, user: UserDocument) -> None:
        """Nothing when the account is gone for good: it is told of late then."""
        if (await self._authors.author(user.user_id)).exists:
            await self._index.put_user(user)

    async def follow_privacy(self, author_id: int, version: int) -> None:
        """Brings the author's posts in line with the account as it is now, in the version that was told or a later one.
        Raises Unavailable while the user service does not know of it yet."""
        author = await self._authors.author(author_id)
        if 0 < author.version < version:
            raise Unavailable("USER_BEHIND", "a backing service is behind", retry_after=1)
        await self._index.set_author_open(author_id, is_open=author.open)

    async def put_post(self, post: PostDocument, *, audience_public: bool) -> None:
        """The account is read again after the write: a change between the two reads would be missed both by this
        write and by a scan that ran before it. Nothing when the account is gone for good."""
        author = await self._authors.author(post.author_id)
        while author.exists:
            await self._index.put_post(
                replace(post, public=audience_public and author.open), audience_public=audience_public
            )
            again = await self._authors.author(post.author_id)
            if again == author:
                return
            author = again

    async def bury_post(self, post_id: int, version: int, deleted_at: datetime) -> None:
        await self._index.bury_post(post_id, version, deleted_at)

    async def forget_account(self, user_id: int) -> None:
        while await self._index.forget_account(user_id):
            pass


async def _full_page(
    find: Callable[[Hit | None, int], Awaitable[list[Hit]]],
    shown: Callable[[Sequence[int]], Awaitable[Mapping[int, ItemT]]],
    size: int,
    after: Hit | None,
) -> Page[ItemT]:
    """Looks on past hidden candidates until the page is full or the index has no more."""
    items: list[ItemT] = []
    # One more than fits tells whether there is a next page.
    wanted = size + 1
    for _ in range(_MAX_LOOKS):
        hits = await find(after, wanted)
        if not hits:
            return Page(items, "")
        visible = await shown([hit.id for hit in hits])
        for hit in hits:
            item = visible.get(hit.id)
            if item is not None and len(items) == size:
                return Page(items, token_after(after) if after else "")
            if item is not None:
                items.append(item)
            after = hit
        if len(hits) < wanted:
            return Page(items, "")
        wanted = min(2 * wanted, _MOST_AT_ONCE)
    return Page(items, token_after(after) if after else "")


def _slice(found: Sequence[ItemT], offset: int, size: int) -> Page[ItemT]:
    end = offset + size
    return Page(list(found[offset:end]), token_at(end) if len(found) > end else "")
