"""Why a post is where it is in the ranked feed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.errors import NotFound

from feed_service.model import Entry
from feed_service.model.ranking import parts_of
from feed_service.service.ranker import Ranker
from feed_service.service.seen import Visible
from feed_service.service.top_ports import Facts, Feed

_LEAST = 0.0005  # of a score: less is not worth a word


@dataclass(frozen=True, slots=True)
class Reason:
    """`value` in the feature's own unit; what is taken off is negative."""

    feature: str
    value: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Explanation:
    score: float
    reasons: Sequence[Reason]


class Why:
    """Tells a viewer what is the viewer's own: numbers, never who is behind them."""

    def __init__(
        self, feed: Feed, facts: Facts, posts: Visible, ranker: Ranker, *, now: Callable[[], datetime]
    ) -> None:
        self._feed, self._facts, self._posts, self._ranker, self._now = feed, facts, posts, ranker, now

    async def explain(self, viewer_id: int, post_id: int) -> Explanation:
        """As of now, the most important first. Raises NotFound: POST_NOT_FOUND for what the viewer may not see,
        NOT_IN_FEED for what is not in the viewer's feed; Unavailable, without Redis too."""
        facts = next(iter(await self._facts.of_posts([post_id])), None)
        if facts is None:
            raise _gone()
        if not await self._feed.visible(viewer_id, [Entry(post_id, facts.author_id)]):
            if not await self._posts.visible(viewer_id, [post_id]):
                raise _gone()
            raise NotFound("NOT_IN_FEED", "the post is not in your feed")
        ranked = await self._ranker.look_at(viewer_id, facts, self._now())
        measured, parts = ranked.features.named(), parts_of(ranked.features)
        reasons = [Reason(name, measured[name], part) for name, part in parts.items() if abs(part) >= _LEAST]
        return Explanation(ranked.score, sorted(reasons, key=lambda one: -abs(one.contribution)))


def _gone() -> NotFound:
    return NotFound("POST_NOT_FOUND", "there is no such post")
