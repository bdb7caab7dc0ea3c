"""Lists of posts: an author's, a tag's, and candidates for feeds."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from kit.paging import page_size

from post_service.model import errors
from post_service.model.captions import fold_tag
from post_service.model.posts import PostRef
from post_service.service.pages import Page, check_batch, fill, key_of
from post_service.service.reading import PostReader, PostView
from post_service.service.sight import Sight
from post_service.store.posts import NEWEST, PostStore

Fetch: TypeAlias = Callable[[int, int], Awaitable[Sequence[int]]]

_FEED_AUTHORS_MAX = 1_000
_FEED_IDS_MAX = 1_000


class PostLists:
    def __init__(self, posts: PostStore, reader: PostReader, sight: Sight) -> None:
        self._posts = posts
        self._reader = reader
        self._sight = sight

    async def of_author(self, viewer_id: int, author_id: int, size: int, token: str) -> Page[PostView]:
        """Newest first. Raises NotFound USER_NOT_FOUND when the viewer may not see that there is a list."""
        before, limit = key_of(token, NEWEST), page_size(size)
        view = await self._sight.view(viewer_id, [author_id])
        if not view.lists(author_id):
            raise errors.user_not_found()

        async def fetch(position: int, count: int) -> Sequence[int]:
            return await self._posts.ids_of_author(
                author_id, before=position, limit=count, pending=viewer_id == author_id
            )

        return await self._page(viewer_id, before, limit, fetch)

    async def of_tag(self, viewer_id: int, tag: str, size: int, token: str) -> Page[PostView]:
        """Newest first."""
        before, limit, folded = key_of(token, NEWEST), page_size(size), fold_tag(tag.removeprefix("#"))

        async def fetch(position: int, count: int) -> Sequence[int]:
            return await self._posts.ids_of_tag(folded, before=position, limit=count)

        return await self._page(viewer_id, before, limit, fetch)

    async def newest_ids(self, author_ids: Sequence[int], before_id: int, size: int) -> list[PostRef]:
        """For feeds: no visibility applied. Raises InvalidArgument TOO_MANY_IDS."""
        wanted = check_batch(author_ids, _FEED_AUTHORS_MAX)
        limit = page_size(size, default=100, cap=_FEED_IDS_MAX)
        return await self._posts.newest_of(wanted, before=before_id or NEWEST, limit=limit)

    async def counts(self, author_ids: Sequence[int]) -> dict[int, int]:
        """Raises InvalidArgument TOO_MANY_IDS."""
        return await self._posts.counts_of(check_batch(author_ids))

    async def _page(self, viewer_id: int, before: int, limit: int, fetch: Fetch) -> Page[PostView]:
        async def show(ids: Sequence[int]) -> Sequence[PostView]:
            return await self._reader.get_many(viewer_id, ids)

        return await fill(limit, before, fetch=fetch, show=show, key=int, shown_key=lambda view: view.post.id)
