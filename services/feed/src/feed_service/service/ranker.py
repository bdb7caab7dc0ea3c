"""Ranking the newest of a viewer's feed."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from kit.ids import first_at
from prometheus_client import Histogram

from feed_service.model import TOP, Entry
from feed_service.model.ranking import (
    PostFacts,
    RankedPost,
    Ranking,
    ViewerFacts,
    interests_of,
    scored,
    spread,
)
from feed_service.model.ranking.tokens import SESSION_BYTES, Ranked, mark_of_post
from feed_service.service.top_ports import Facts, Feed, InterestLog, SeenPosts

_FEW = 100  # posts: when the last days had fewer, older ones are ranked with them
_STEP = 200
_LOOKED = 4  # candidates for each that is ranked: how far down is looked when few may be seen
_IN_ONE_GO = 50  # posts; others get their turn of the loop in between

RANKED = Histogram(
    "heliograph_feed_ranked_candidates", "Candidates of a ranking", buckets=(0, 10, 25, 50, 100, 200, 300, 400, 500)
)


class Ranker:
    def __init__(
        self, feed: Feed, facts: Facts, interests: InterestLog, seen: SeenPosts, *, days: int, most: int
    ) -> None:
        self._feed, self._facts, self._interests, self._seen = feed, facts, interests, seen
        self._span, self._most = timedelta(days=days), most

    async def newest(self, viewer_id: int, at: datetime) -> Ranking:
        """The newest of the last days, and older ones when they are few. Raises Unavailable."""
        entries = await self._newest(viewer_id, at)
        low = entries[-1].post_id if entries else TOP
        before = entries[0].post_id + 1 if entries else TOP
        return await self._ranking(viewer_id, entries, at, before, low)

    async def again(self, viewer_id: int, lost: Ranked) -> Ranking:
        """The same candidates without those that were shown, as they would have been ranked then, but for what others
        have done since. Raises Unavailable."""
        found, low = await self._walk(viewer_id, lost.before, lost.low)
        entries = [entry for entry in found if mark_of_post(entry.post_id) not in lost.shown]
        return await self._ranking(viewer_id, entries, lost.as_of, lost.before, low)

    async def look_at(self, viewer_id: int, post: PostFacts, at: datetime) -> RankedPost:
        """One post as it would be ranked."""
        return scored(post, await self._viewer(viewer_id, [post], at), at)

    async def _ranking(self, viewer_id: int, entries: Sequence[Entry], at: datetime, before: int, low: int) -> Ranking:
        ids = [entry.post_id for entry in entries]
        posts: Sequence[RankedPost] = ()
        if ids:
            facts = await self._facts.of_posts(ids)
            posts = spread(await _scored(facts, await self._viewer(viewer_id, facts, at), at))
        RANKED.observe(len(posts))
        return Ranking(secrets.token_bytes(SESSION_BYTES), posts, at, before, low)

    async def _viewer(self, viewer_id: int, posts: Sequence[PostFacts], at: datetime) -> ViewerFacts:
        log, seen, ties = await asyncio.gather(
            self._interests.of(viewer_id),
            self._seen.among(viewer_id, [post.post_id for post in posts], at),
            self._feed.ties(viewer_id, {one for post in posts for one in post.commenters}),
        )
        return ViewerFacts(viewer_id, interests_of(log, at), ties.tags, ties.known, seen)

    async def _newest(self, viewer_id: int, at: datetime) -> Sequence[Entry]:
        """What may be seen alone counts; what is below the last that was looked at comes after the ranking."""
        horizon, before, looked, found = first_at(at - self._span), TOP, 0, list[Entry]()
        while len(found) < self._most and looked < _LOOKED * self._most:
            step, _ = await self._feed.candidates(viewer_id, before, _STEP)
            visible = await self._feed.visible(viewer_id, step)
            found += [entry for entry in step if entry.post_id in visible]
            if len(step) < _STEP or (step[-1].post_id < horizon and len(found) >= _FEW):
                break
            before, looked = step[-1].post_id, looked + len(step)
        recent = sum(entry.post_id >= horizon for entry in found)
        return found[: min(max(recent, _FEW), self._most)]

    async def _walk(self, viewer_id: int, before: int, low: int) -> tuple[Sequence[Entry], int]:
        """Down to `low`, or to where there are too many: then the rest goes on from there."""
        found: list[Entry] = []
        while len(found) < self._most:
            step, _ = await self._feed.candidates(viewer_id, found[-1].post_id if found else before, _STEP)
            found += step
            if len(step) < _STEP or step[-1].post_id < low:
                return [entry for entry in found if entry.post_id >= low], low
        return found, found[-1].post_id


async def _scored(posts: Sequence[PostFacts], viewer: ViewerFacts, at: datetime) -> Sequence[RankedPost]:
    found: list[RankedPost] = []
    for start in range(0, len(posts), _IN_ONE_GO):
        found += [scored(post, viewer, at) for post in posts[start : start + _IN_ONE_GO]]
        await asyncio.sleep(0)
    return found
