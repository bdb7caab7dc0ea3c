"""Likes: real no-ops when repeated, visible wherever the post is."""

from collections.abc import Sequence

from kit.paging import page_size

from post_service.model.visibility import Profile
from post_service.service.like_groups import LikeGroups, Outcome
from post_service.service.pages import Page, fill, key_of
from post_service.service.reading import PostReader
from post_service.service.sight import Sight, signed_in
from post_service.store.likes import LikeStore
from post_service.store.posts import NEWEST


class LikeService:
    def __init__(self, groups: LikeGroups, likes: LikeStore, reader: PostReader, sight: Sight) -> None:
        self._groups = groups
        self._likes = likes
        self._reader = reader
        self._sight = sight

    async def like(self, viewer_id: int, post_id: int) -> Outcome:
        """Raises NotFound POST_NOT_FOUND."""
        return await self._changed(viewer_id, post_id, liked=True)

    async def unlike(self, viewer_id: int, post_id: int) -> Outcome:
        """Raises NotFound POST_NOT_FOUND."""
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

    async def _changed(self, viewer_id: int, post_id: int, *, liked: bool) -> Outcome:
        post, _ = await self._reader.look(signed_in(viewer_id), post_id)
        return await self._groups.change(post_id, post.author_id, viewer_id, liked=liked)


def _like_id(like: tuple[int, object]) -> int:
    return like[0]
