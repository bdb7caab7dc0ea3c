"""Plays: what people do at random, what happens to the system meanwhile, and what must hold."""

import functools
import json
import random
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition
from hypothesis.stateful import rule as hypothesis_rule
from kit.testing import eventually
from oracle.people import Company
from oracle.place import Place, fanout_settings
from support.rest import Json

from services.feed.tests.definition import Audience

PEOPLE = 4
_SETTLED_SECONDS = 30

person = st.integers(0, PEOPLE - 1)
audience = st.sampled_from([Audience.PUBLIC, Audience.PUBLIC, Audience.FOLLOWERS, Audience.CLOSE_FRIENDS])
tags = st.sets(st.sampled_from(["sun", "sea"]), max_size=2).map(frozenset)


def rule(**strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """A step of a play that is counted."""

    def counted(step: Callable[..., None]) -> Any:
        @functools.wraps(step)
        def take(self: "Feeds", **drawn: Any) -> None:
            step(self, **drawn)
            self.place.taken[step.__name__] += 1

        return hypothesis_rule(**strategies)(take)  # pyright: ignore[reportUnknownVariableType]

    return counted


class Feeds(RuleBasedStateMachine):
    """One play. Subclasses name the place."""

    place: ClassVar[Place]

    def __init__(self) -> None:
        super().__init__()
        self.company = Company(self.place.http, self.place.admin)
        self.fanout_is_up = True

    @initialize()
    def meet(self) -> None:
        self.place.run(self.company.gather(PEOPLE))
        for one in range(PEOPLE):
            self.place.run(self.company.follow(one, (one + 1) % PEOPLE))

    # What people do.

    @rule(who=person, count=st.integers(1, 3), tags=tags, audience=audience)
    def post(self, who: int, count: int, tags: frozenset[str], audience: Audience) -> None:
        if who not in self.company.gone:
            for _ in range(count):
                self.place.run(self.company.post(who, tags, audience))

    @rule(who=person, data=st.data())
    def delete(self, who: int, data: st.DataObject) -> None:
        if who not in self.company.gone and (own := self.company.own(who)):
            self.place.run(self.company.delete(who, data.draw(st.sampled_from(own))))

    @rule(who=person, tags=tags, audience=audience, data=st.data())
    def edit(self, who: int, tags: frozenset[str], audience: Audience, data: st.DataObject) -> None:
        if who not in self.company.gone and (own := self.company.own(who)):
            self.place.run(self.company.edit(who, data.draw(st.sampled_from(own)), tags, audience))

    @rule(one=person, other=person, on=st.sampled_from([True, True, False]))
    def follow_or_not(self, one: int, other: int, on: bool) -> None:
        if self._two(one, other):
            self.place.run((self.company.follow if on else self.company.unfollow)(one, other))

    @rule(one=person, other=person, on=st.booleans())
    def block_or_not(self, one: int, other: int, on: bool) -> None:
        if self._two(one, other):
            self.place.run(self.company.block(one, other, on=on))

    @rule(one=person, other=person, on=st.booleans())
    def mute_or_not(self, one: int, other: int, on: bool) -> None:
        if self._two(one, other):
            self.place.run(self.company.mute(one, other, on=on))

    @rule(one=person, other=person, on=st.sampled_from([True, True, False]))
    def befriend_or_not(self, one: int, other: int, on: bool) -> None:
        if self._two(one, other):
            self.place.run(self.company.close_friend(one, other, on=on))

    @rule(who=person, tag=st.sampled_from(["sun", "sea"]), on=st.sampled_from([True, True, False]))
    def follow_a_tag_or_not(self, who: int, tag: str, on: bool) -> None:
        if who not in self.company.gone:
            self.place.run(self.company.follow_tag(who, tag, on=on))

    @rule(who=person, private=st.booleans())
    def go_private_or_public(self, who: int, private: bool) -> None:
        if who not in self.company.gone:
            self.place.run(self.company.keep_private(who, private=private))

    @rule(accept=st.booleans(), data=st.data())
    def answer_a_request(self, accept: bool, data: st.DataObject) -> None:
        asked = [pair for pair in sorted(self.company.requests) if self._place_of(pair[1]) is not None]
        if asked:
            one, other = data.draw(st.sampled_from(asked))
            self.place.run(self.company.accept(self._place_of(other) or 0, one, accept=accept))

    @rule(who=person, on=st.booleans(), data=st.data())
    def like_or_not(self, who: int, on: bool, data: st.DataObject) -> None:
        if who not in self.company.gone and (shown := self.company.expected(who)):
            self.place.run(self.company.like(who, data.draw(st.sampled_from(shown)), on=on))

    @precondition(lambda self: len(self.company.present()) > 2)
    @rule(who=person, leave=st.sampled_from([False, False, True]))
    def be_suspended_or_leave(self, who: int, leave: bool) -> None:
        if who not in self.company.gone:
            self.place.run(self.company.leave(who) if leave else self.company.suspend(who))

    @rule(who=person)
    def come_back(self, who: int) -> None:
        if who in self.company.suspended:
            self.place.run(self.company.restore(who))

    # What happens to the system.

    @rule(chosen=st.randoms(use_true_random=False))
    def something_happens(self, chosen: random.Random) -> None:
        """One step for all: a play is first of all what people do."""
        happening = chosen.choice(
            [
                self.a_process_dies,
                self.events_are_delayed,
                self.the_threshold_moves,
                self.events_come_again_in_any_order,
                self.redis_is_flushed,
                self.another_worker_joins_and_leaves,
            ]
        )
        self.place.taken[happening.__name__] += 1
        happening(chosen)

    def a_process_dies(self, chosen: random.Random) -> None:
        names = ["feed", "post", "graph", "fanout"]
        name = chosen.choice(names if self.fanout_is_up else names[:-1])
        self.place.stack.crash(name)
        self.place.stack.wait_ready(name)
        self.place.run(self.company.served())

    def events_are_delayed(self, _: random.Random) -> None:
        self.place.stack.stop("fanout")
        self.fanout_is_up = False

    def the_threshold_moves(self, chosen: random.Random) -> None:
        self.place.stack.stop("fanout")
        self.place.stack.start("fanout", fanout_settings(chosen.choice([0, 1, 10_000])))
        self.fanout_is_up = True

    def events_come_again_in_any_order(self, chosen: random.Random) -> None:
        self.place.run(self.place.disturbances.replay(chosen))

    def redis_is_flushed(self, _: random.Random) -> None:
        self.place.run(self.place.disturbances.flush_redis())

    def another_worker_joins_and_leaves(self, _: random.Random) -> None:
        self.place.run(self.place.disturbances.rebalance())

    # What must hold.

    @rule(who=person, size=st.integers(1, 7))
    def read(self, who: int, size: int) -> None:
        """Whatever is not settled yet: in order, and nothing twice."""
        if who not in self.company.gone:
            pages = self.place.run(self.company.pages(who, size))
            ids = [int(item["id"]) for page in pages for item in page]
            assert ids == sorted(set(ids), reverse=True)

    @rule(size=st.integers(1, 7))
    def settle(self, size: int) -> None:
        if not self.fanout_is_up:
            self.place.stack.start("fanout")
            self.fanout_is_up = True
        self.place.run(self._compare_all(size))

    def teardown(self) -> None:
        if self.company.people:
            self.settle(size=3)

    async def _compare_all(self, size: int) -> None:
        await self.company.published()
        await self.place.disturbances.settled()
        for who in self.company.present():
            await eventually(lambda who=who: self._compare(who, size), timeout=_SETTLED_SECONDS)
        await self._compare_rebuilt(random.Random(size).choice(self.company.present()), size)

    async def _compare(self, who: int, size: int) -> bool:
        items = [item for page in await self.company.pages(who, size) for item in page]
        served, expected = [int(item["id"]) for item in items], self.company.expected(who)
        assert served == expected, f"reader {who}: served {served}, by definition {expected}"
        me = self.company.id_of(who)
        liked = {int(item["id"]) for item in items if item["viewer"]["liked"]}
        true = {post for post in expected if (me, post) in self.company.truth.likes}
        assert liked == true, f"reader {who}: shown as liked {liked}, liked {true}"
        return True

    async def _compare_rebuilt(self, who: int, size: int) -> None:
        """A timeline built anew is served with the same posts on the same pages, and with the same bytes: counts in
        them may be some seconds old, so bytes that differ between two reads are read once more."""
        served, built = await self._rebuilt(who, size)
        assert [[item["id"] for item in page] for page in built] == [[item["id"] for item in page] for page in served]

        async def same_bytes() -> bool:
            served, built = await self._rebuilt(who, size)
            assert json.dumps(built) == json.dumps(served)
            return True

        await eventually(same_bytes, timeout=_SETTLED_SECONDS)

    async def _rebuilt(self, who: int, size: int) -> tuple[list[list[Json]], list[list[Json]]]:
        """All pages, before and after the timeline was built anew."""
        served = await self.company.pages(who, size)
        await self.place.rebuild(self.company.id_of(who))
        return served, await self.company.pages(who, size)

    def _two(self, one: int, other: int) -> bool:
        return one != other and not {one, other} & self.company.gone

    def _place_of(self, user_id: int) -> int | None:
        found = [at for at in self.company.present() if self.company.id_of(at) == user_id]
        return found[0] if found else None
