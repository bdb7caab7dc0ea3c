"""The tags that an account follows. Every change may be repeated: what is so already makes no event."""

from collections.abc import Sequence

from graph_service.model import lists as pages
from graph_service.model import rules
from graph_service.model.tags import FollowedTag, check_room, tag_of
from graph_service.store.tags import TagFollows


class Tags:
    """All of them raise InvalidArgument INVALID_FIELD for what is no tag."""

    def __init__(self, follows: TagFollows) -> None:
        self._follows = follows

    async def follow(self, viewer_id: int, text: str) -> str:
        """The tag as it is kept. Raises Unauthenticated, FailedPrecondition TOO_MANY_TAGS."""
        rules.check_signed_in(viewer_id)
        tag = tag_of(text)
        async with self._follows.of(viewer_id) as own:
            followed, there = await own.state(tag)
            if not there:
                check_room(followed)
                await own.follow(tag)
        return tag

    async def unfollow(self, viewer_id: int, text: str) -> None:
        """Raises Unauthenticated."""
        rules.check_signed_in(viewer_id)
        tag = tag_of(text)
        async with self._follows.of(viewer_id) as own:
            await own.unfollow(tag)

    async def get(self, viewer_id: int, text: str) -> tuple[str, bool]:
        """The tag as it is kept, and whether the viewer follows it."""
        tag = tag_of(text)
        return tag, bool(viewer_id) and await self._follows.has(viewer_id, tag)

    async def followed(self, viewer_id: int, size: int, token: str) -> tuple[Sequence[FollowedTag], str]:
        """Newest first, and the next page's token. Raises Unauthenticated, InvalidArgument BAD_PAGE_TOKEN."""
        before = pages.before_of(token)
        rules.check_signed_in(viewer_id)
        found = await self._follows.page(viewer_id, before=before, limit=size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""
