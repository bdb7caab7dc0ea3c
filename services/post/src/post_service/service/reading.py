"""The hot read: posts with all that a viewer sees of them, in few round trips."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from post_service.model.errors import post_not_found
from post_service.model.pieces import closed
from post_service.model.posts import Post, PostCounts
from post_service.model.visibility import ANONYMOUS, Profile, open_to_all
from post_service.service.pages import check_batch
from post_service.service.sight import Sight, View
from post_service.service.tallies import Tallies
from post_service.store.likes import LikeStore
from post_service.store.posts import PostStore


class PostCache(Protocol):
    """store.cache, as far as it is used here. Down, it loads from truth."""

    async def get_many(
        self, ids: Sequence[int], load: Callable[[Sequence[int]], Awaitable[Mapping[int, Post]]]
    ) -> dict[int, Post]: ...

    async def put(self, post: Post) -> None: ...

    async def drop(self, post_id: int) -> None: ...


@dataclass(frozen=True)
class PostView:
    """A post as one viewer sees it."""

    post: Post
    author: Profile
    counts: PostCounts
    liked: bool


class PostReader:
    def __init__(self, posts: PostStore, likes: LikeStore, cache: PostCache, tallies: Tallies, sight: Sight) -> None:
        self._posts = posts
        self._likes = likes
        self._cache = cache
        self._tallies = tallies
        self._sight = sight

    async def get(self, viewer_id: int, post_id: int) -> PostView:
        """Raises NotFound POST_NOT_FOUND."""
        views = await self.get_many(viewer_id, [post_id])
        if not views:
            raise post_not_found()
        return views[0]

    async def get_many(self, viewer_id: int, ids: Sequence[int]) -> list[PostView]:
        """Those that the viewer may see, in the order asked. Two rounds: the posts, then all that hangs on them. Ids
        that never were cost one look-up and leave no trace in the counters."""
        wanted = check_batch(ids)
        posts = await self._cache.get_many(wanted, self._posts.get_many)
        found = list(posts)
        view, counts, liked = await asyncio.gather(
            self._sight.view(viewer_id, _people(posts.values())),
            self._tallies.of_posts(found),
            self._liked(viewer_id, found),
        )
        seen = [posts[post_id] for post_id in wanted if post_id in posts and view.sees(posts[post_id])]
        return [_view(post, view, counts[post.id], liked=post.id in liked) for post in seen]

    async def look(self, viewer_id: int, post_id: int, *user_ids: int) -> tuple[Post, View]:
        """The post from truth, for a change that hangs on it, and the viewer's view of its author and the other users.
        Raises NotFound POST_NOT_FOUND."""
        post = await self._posts.get(post_id)
        if post is None:
            raise post_not_found()
        view = await self._sight.view(viewer_id, (post.author_id, *user_ids))
        if not view.sees(post):
            raise post_not_found()
        return post, view

    async def visible(
        self, viewer_id: int, ids: Sequence[int], user_ids: Sequence[int]
    ) -> tuple[dict[int, Post], View]:
        """Those of the posts that the viewer may see, and the view of their authors and the other users."""
        posts = await self._cache.get_many(ids, self._posts.get_many)
        view = await self._sight.view(viewer_id, (*(post.author_id for post in posts.values()), *user_ids))
        return {post_id: post for post_id, post in posts.items() if view.sees(post)}, view

    async def renew(self, post_id: int) -> None:
        """Writes the cache through, after the commit of a change of the post or its media."""
        await renew(self._cache, self._posts, post_id)

    async def _liked(self, viewer_id: int, ids: Sequence[int]) -> set[int]:
        if viewer_id == ANONYMOUS or not ids:
            return set()
        return await self._likes.liked_of(viewer_id, ids)


async def renew(cache: PostCache, posts: PostStore, post_id: int) -> None:
    """Puts into the cache what the truth says now: a newer version that comes first stays. 0 is no post."""
    if not post_id:
        return
    post = await posts.get(post_id)
    await (cache.put(post) if post else cache.drop(post_id))


def _view(post: Post, view: View, counts: PostCounts, *, liked: bool) -> PostView:
    author = view.profiles[post.author_id]
    shown = post if open_to_all(author, post.content.audience) else closed(post)
    content = replace(post.content, mentions=view.known(post.content.mentions))
    return PostView(replace(shown, content=content), author, counts, liked)


def _people(posts: Iterable[Post]) -> set[int]:
    """Who shows in these posts: their authors and whom they mention."""
    return {id_ for post in posts for id_ in (post.author_id, *(m.user_id for m in post.content.mentions))}
