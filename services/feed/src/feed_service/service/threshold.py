"""Which authors are pushed and which are merged at read, and how they change over. No feed changes at any moment.

Authors carry no mark while they are pushed, one while they are merged, and one with `returning` on the way back.
Readers merge every author with a mark, whatever it says, and remember the marks for a second or two.

Up. First the mark is set, then, from half a minute on, when no reader knows the time before it, posts are pushed no
more. Until then they are pushed and merged. Who builds a timeline, or follows, leaves the author's rows out only when
pushes do.

Down (`Review`, `Return`). First the mark says `returning`. From then on posts are pushed again, and builds and follows
write the author's rows. Then the author's posts of the last 90 days are written to all followers, a bounded step at a
time, each of which ends with the followers' warm timelines dropped. Then the mark goes. Nobody misses a post when it
does:

- A post is in the author's timeline before its push looks at the mark. If it found no `returning`, the post was in that
  timeline before the steps read it; if it did, it was pushed.
- Who follows is in graph before the follow is handled. If that found no `returning`, the follower was in graph before
  the steps read the followers; if it did, it wrote the rows.
- Who builds a timeline leaves the set of the idle before it looks at the marks. If it found no `returning`, it was not
  idle when its step came, which wrote the rows, or had become so again, and its build counts no more; if it did, it
  wrote them itself.
- A reader that finds the mark gone reads rows after all steps, and a warm timeline that was built after its follower's.

A mark changes by conditional writes, and a way back carries the time at which it began: steps of an earlier one,
repeated late, do not end a later one. An author who rises again on the way back is merged again at once, as readers
never stopped.
"""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import Counter

from feed_service.model import TOP, micros
from feed_service.model.crossing import Audience, Costs, posts_a_day
from feed_service.service.fanout_ports import Marks
from feed_service.service.ports import Authors, Graph

_MOST_POSTS = 1_000  # that are counted for an author's rate

CROSSED = Counter("heliograph_fanout_crossings_total", "Authors who changed over", ["way"])


class Threshold:
    def __init__(
        self, marks: Marks, authors: Authors, graph: Graph, costs: Costs, *, now: Callable[[], datetime]
    ) -> None:
        self._marks, self._authors, self._graph = marks, authors, graph
        self._costs, self._now = costs, now

    async def needs_rows(self, author_id: int) -> bool:
        """Whether a post of the author is pushed; marks an author who has risen above the threshold. Ask after the post
        is in the author's timeline."""
        now_us = micros(self._now())
        mark = await self._marks.of(author_id)
        if mark is not None and not mark.needs_rows(now_us):
            return False
        may_rise = mark is None or mark.returning_us is not None
        if may_rise and self._costs.is_above(await self.audience(author_id)):
            await self._marks.mark(author_id, now_us)
            CROSSED.labels("up").inc()
        return True

    async def is_below(self, author_id: int) -> bool:
        return self._costs.is_below(await self.audience(author_id))

    async def audience(self, author_id: int) -> Audience:
        """The posts are not counted for those who have too few followers for that to matter."""
        followers = await self._graph.followers(author_id)
        if followers <= min(self._costs.least, self._costs.most):
            return Audience(followers, 0)
        posts = await self._authors.slice(author_id, TOP, _MOST_POSTS)
        return Audience(followers, posts_a_day([entry.post_id for entry in posts], self._now()))
