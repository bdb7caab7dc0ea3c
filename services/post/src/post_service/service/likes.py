"""Likes: real no-ops when repeated, visible wherever the post is."""

from collections.abc import Sequence

from kit.paging import page_size

from post_service.model.changes import LikeChanged
from post_service.model.posts import Post, PostCounts
from post_service.model.visibility import Profile
from post_service.service.pages import Page, fill, key_of
from post_service.service.reading import PostReader
from post_service.service.sight import Sight, signed_in
from post_service.service.tallies import Tallies, at_once
from post_service.store import likes as rows
from post_service.store.likes import LikeStore
from post_service.store.posts import NEWEST
from post_service.store.truth import Truth


class LikeService:
    def __init__(self, truth: Truth, likes: LikeStore, reader: PostReader, tallies: Tallies, sight: Sight) -> None:
        self._truth = truth
        self._likes = likes
        self._reader = reader
        self._tallies = tallies
        self._sight = sight

    async def like(self, viewer_id: int, post_id: int) -> PostCounts:
        """The post's counts with this like in them. Raises NotFound POST_NOT_FOUND."""
        return await self._changed(viewer_id, post_id, liked=True)

    async def unlike(self, viewer_id: int, post_id: int) -> PostCounts:
        """The post's counts without this like. Raises NotFound POST_NOT_FOUND."""
        return await self._changed(viewer_id, post_id, liked=False)

    async def likers(self, viewer_id: int, post_id: int, size: int, token: str) -> Page[Profile]:
        """Newest like first. Raises NotFound POST_NOT_FOUND."""
        before, limit = key_of(token, NEWEST), page_size(size)
        await self._reader.get(viewer_id, post_id)

        async def fetch(position: int, count: int) -> Sequence[tuple[int, int]]:
            return await self._likes.page(post_id, before=position, limit=count)

        async def show(likes: Sequence[tuple[int, int]]) -> Sequence[tuple[int, Profile]]:
            view = await self._sight.view(viewer_id, (user_id for _, user_id in likes))
            return [(like_id, view.profiles[user_id]) for like_id, user_id in likes if view.meets(user_id)]

        page = await fill(limit, before, fetch=fetch, show=show, key=_like_id, shown_key=_like_id)
        return Page([profile for _, profile in page.items], page.next_token)

    async def _changed(self, viewer_id: int, post_id: int, *, liked: bool) -> PostCounts:
        post, _ = await self._reader.look(signed_in(viewer_id), post_id)
        change = await self._change(viewer_id, post, liked=liked)
        counts = None
        if change is not None:
            count = self._tallies.liked if liked else self._tallies.unliked
            counts = await at_once(count(post_id, change.change_id))
        return counts or (await self._tallies.of_posts([post_id]))[post_id]

    async def _change(self, viewer_id: int, post: Post, *, liked: bool) -> LikeChanged | None:
        """None when it was so already."""
        write = rows.add if liked else rows.remove
        async with self._truth.transaction() as tx:
            done = await write(tx.conn, post.id, viewer_id)
            if done is None:
                return None
            change_id, at = done
            change = LikeChanged(liked, post.id, post.author_id, viewer_id, at, change_id)
            await tx.emit(change)
        return change


def _like_id(like: tuple[int, object]) -> int:
    return like[0]
