"""Whatever happens, in whatever order it is heard: when all is heard, every feed is what truth says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from feed_service.model import Entry, micros
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.feed.tests.world import World

PEOPLE = 4
person = st.integers(0, PEOPLE - 1)
Hearing = Callable[[], Awaitable[None]]


class Feeds(RuleBasedStateMachine):
    """Changes are committed at once and heard later: in any order, some of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(warm_cap=2)  # most timelines are longer
        self.people = [self.world.account() for _ in range(PEOPLE)]
        self.unheard: list[Hearing] = []
        for follower, followee in pairwise(self.people):
            _run(self.world.follow(follower, followee))

    @rule(author=person, count=st.integers(1, 4))
    def post(self, author: int, count: int) -> None:
        for _ in range(count):
            self.unheard.append(partial(self.world.hear_published, self.world.post(self.people[author])))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.world.posts.authors:
            post = data.draw(st.sampled_from(sorted(self.world.posts.authors)))
            entry = Entry(post, self.world.posts.authors.pop(post))
            at_us = micros(self.world.clock.tick())
            self.unheard.append(lambda: self.world.hear_deleted(entry, at_us))

    @rule(data=st.data())
    def hide_or_show(self, data: st.DataObject) -> None:
        if self.world.posts.authors:
            self.world.posts.hidden ^= {data.draw(st.sampled_from(sorted(self.world.posts.authors)))}

    @rule(follower=person, followee=person)
    def follow(self, follower: int, followee: int) -> None:
        pair = (self.people[follower], self.people[followee])
        if follower != followee and pair not in self.world.graph.follows:
            self.world.graph.follows.add(pair)
            change = self.world.clock.next_id()
            self.unheard.append(lambda: self.world.follows.followed(*pair, change))

    @rule(follower=person, followee=person)
    def unfollow(self, follower: int, followee: int) -> None:
        pair = (self.people[follower], self.people[followee])
        if pair in self.world.graph.follows:
            self.world.graph.follows.discard(pair)
            change = self.world.clock.next_id()
            self.unheard.append(lambda: self.world.follows.unfollowed(*pair, change))

    @rule(muter=person, muted=person)
    def mute_or_unmute(self, muter: int, muted: int) -> None:
        if muter != muted:
            self.world.graph.mutes ^= {(self.people[muter], self.people[muted])}

    @rule(threshold=st.sampled_from([0, 1, 2, 100]))
    def change_the_threshold(self, threshold: int) -> None:
        self.world.threshold = threshold

    @rule(data=st.data(), again=st.booleans())
    def hear_one(self, data: st.DataObject, again: bool) -> None:
        if self.unheard:
            chosen = data.draw(st.integers(0, len(self.unheard) - 1))
            _run(self.unheard[chosen]())
            if not again:
                self.unheard.pop(chosen)

    @rule()
    def hear_all(self) -> None:
        self._settle()

    @rule(reader=person)
    def read(self, reader: int) -> None:
        """Whatever is not settled yet: nothing twice, in order, nothing that must not show."""
        viewer = self.people[reader]
        shown = _run(self.world.read(viewer))
        assert shown == sorted(set(shown), reverse=True)
        assert set(shown) <= set(self.world.oracle(viewer))

    @rule()
    def redis_is_lost(self) -> None:
        self.world.warm.timelines.clear()

    @rule(is_down=st.booleans())
    def redis_goes_or_comes(self, is_down: bool) -> None:
        self.world.warm.is_down = is_down

    @rule()
    def the_keyspace_is_lost(self) -> None:
        """Home rows are a view; who loses them loses the warm timelines too."""
        self.world.home.rows.clear()
        self.world.home.removed.clear()
        self.world.home.complete.clear()
        self.world.warm.timelines.clear()

    @rule(days=st.sampled_from([1, 40, 100]))
    def time_passes(self, days: int) -> None:
        self._settle()
        self.world.clock.tick(timedelta(days=days))

    @invariant()
    def settled_feeds_are_what_truth_says(self) -> None:
        if not self.unheard and not self.world.warm.is_down and not self.world.tasks.late:
            self._compare()

    def teardown(self) -> None:
        self._settle()
        self._compare()

    def _settle(self) -> None:
        while self.unheard:
            _run(self.unheard.pop()())
        self.world.warm.is_down = False
        _run(self.world.catch_up())
        self.world.clock.tick()

    def _compare(self) -> None:
        self.world.clock.tick(timedelta(seconds=3))  # what a feed process remembers is older than that
        for viewer in self.people:
            assert _run(self.world.read(viewer)) == self.world.oracle(viewer)


def _run(step: Awaitable[Any]) -> Any:
    async def body() -> Any:
        return await step

    return asyncio.run(body())


Feeds.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFeeds = Feeds.TestCase
