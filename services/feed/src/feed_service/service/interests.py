"""What viewers do with posts, remembered for their rankings."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feed_service.model.ranking import Interaction, PostFacts, mark_of
from feed_service.model.ranking.interests import TAGS_KEPT
from feed_service.service.ports import Erased
from feed_service.service.top_ports import Facts, InterestLog


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done with a post, or undone: then it has no points. `name` is the same for doing and undoing it, and
    the later `change_id` counts. `content` is what is known of the post; None to have it looked up."""

    viewer_id: int
    name: str
    change_id: int
    points: float
    post_id: int
    author_id: int
    content: PostFacts | None = None


class Interest:
    """Deeds may come twice and in any order. What is not remembered any more cannot be undone, and what is told of an
    account that is gone for good is not remembered."""

    def __init__(self, facts: Facts, log: InterestLog, erased: Erased) -> None:
        self._facts, self._log, self._erased = facts, log, erased

    async def record(self, deeds: Sequence[Deed]) -> None:
        """Raises Unavailable."""
        unknown = {deed.post_id for deed in deeds if deed.points and deed.content is None}
        contents = await self._facts.contents(sorted(unknown))
        done: defaultdict[int, dict[str, Interaction]] = defaultdict(dict)
        for deed in sorted(deeds, key=lambda one: one.change_id):
            done[deed.viewer_id][deed.name] = _interaction(deed, deed.content or contents.get(deed.post_id))
        await asyncio.gather(*(self._remember(viewer_id, named) for viewer_id, named in done.items()))

    async def _remember(self, viewer_id: int, done: Mapping[str, Interaction]) -> None:
        if not await self._erased.is_marked(viewer_id):
            await self._log.record(viewer_id, done)


def _interaction(deed: Deed, content: PostFacts | None) -> Interaction:
    if not deed.points:
        return Interaction(deed.change_id, 0)
    author = "" if deed.author_id == deed.viewer_id else mark_of(deed.viewer_id, deed.author_id)
    tags = tuple(content.tags[:TAGS_KEPT]) if content else ()
    return Interaction(deed.change_id, deed.points, author, tags, content.cell if content else None)
