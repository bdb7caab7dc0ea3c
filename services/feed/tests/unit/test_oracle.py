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

from services.feed.tests.definition import Audience
from services.feed.tests.world import World

PEOPLE = 4
TAGS = ("sea", "sun")
person = st.integers(0, PEOPLE - 1)
tag = st.sampled_from(TAGS)
noted = st.booleans()
Hearing = Callable[[], Awaitable[None]]


class Feeds(RuleBasedStateMachine):
    """Changes are committed at once and heard later: in any order, some of them twice. Who saw one committed may note
    it at once. One feed process lives on, with what it keeps in memory; others have just been started."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = World(warm_cap=2)  # most timelines are longer
        self.process = self.world.process()
        self.people = [self.world.account() for _ in range(PEOPLE)]
        self.unheard: list[Hearing] = []
        self.shown_too_long = False
        """Something was hidden from somebody and nobody told so yet."""
        for follower, followee in pairwise(self.people):
            self._run(self.world.follow(follower, followee))

    @rule(author=person, count=st.integers(1, 4), tags=st.sets(tag), audience=st.sampled_from(Audience))
    def post(self, author: int, count: int, tags: set[str], audience: Audience) -> None:
        for _ in range(count):
            entry = self._committed(author, tags, audience)
            self.unheard.append(partial(self.world.hear_published, entry))

    @rule(author=person, tags=st.sets(tag))
    def post_with_media(self, author: int, tags: set[str]) -> None:
        """Noted, for no event tells of it before its media are ready."""
        entry = self._committed(author, tags, Audience.PUBLIC)
        self.world.truth.pending.add(entry.post_id)
        if not self.world.warm.is_down:
            self._run(self.world.notes.posted(entry))
        else:
            self.world.views.lose()  # what was noted in vain is made up for by no event

    @rule(data=st.data())
    def media_become_ready(self, data: st.DataObject) -> None:
        if self.world.truth.pending:
            post = data.draw(st.sampled_from(sorted(self.world.truth.pending)))
            self.world.truth.pending.discard(post)
            self.unheard.append(partial(self.world.hear_published, Entry(post, self.world.truth.authors[post])))
            self._tell_pieces(post, note=False, hides=False)

    @rule(data=st.data(), note=noted)
    def delete(self, data: st.DataObject, note: bool) -> None:
        if self.world.posts.authors:
            post = data.draw(st.sampled_from(sorted(self.world.posts.authors)))
            entry = Entry(post, self.world.posts.authors.pop(post))
            self.world.truth.pending.discard(post)
            at_us = micros(self.world.clock.tick(timedelta(milliseconds=1)))
            self.unheard.append(lambda: self.world.hear_deleted(entry, at_us))
            self._tell_pieces(post, note=note, hides=True)

    @rule(data=st.data(), audience=st.sampled_from(Audience), tags=st.sets(tag), note=noted)
    def edit(self, data: st.DataObject, audience: Audience, tags: set[str], note: bool) -> None:
        if self.world.posts.authors:
            post = data.draw(st.sampled_from(sorted(self.world.posts.authors)))
            self.world.truth.audiences[post] = audience
            self.world.truth.tags[post] = frozenset(tags)
            self._tell_pieces(post, note=note, hides=True)

    @rule(follower=person, followee=person, note=noted)
    def follow(self, follower: int, followee: int, note: bool) -> None:
        pair = (self.people[follower], self.people[followee])
        blocked = {pair, pair[::-1]} & self.world.truth.blocks
        if follower != followee and pair not in self.world.truth.follows and not blocked:
            self.world.truth.follows.add(pair)
            change = self.world.clock.next_id()
            self.unheard.append(lambda: self.world.follows.followed(*pair, change))
            self._tell_relations(pair[0], note=note, hides=False)

    @rule(follower=person, followee=person, note=noted)
    def unfollow(self, follower: int, followee: int, note: bool) -> None:
        self._cut(self.people[follower], self.people[followee], note=note)

    @rule(blocker=person, blocked=person, note=noted)
    def block_or_unblock(self, blocker: int, blocked: int, note: bool) -> None:
        one, other = self.people[blocker], self.people[blocked]
        if one == other:
            return
        truth = self.world.truth
        truth.blocks ^= {(one, other)}
        if (one, other) in truth.blocks:
            truth.close_friends -= {(one, other), (other, one)}
            self._cut(one, other, note=note)
            self._cut(other, one, note=note)
        for user in (one, other):
            self._tell_relations(user, note=note, hides=True)

    @rule(muter=person, muted=person, note=noted)
    def mute_or_unmute(self, muter: int, muted: int, note: bool) -> None:
        if muter != muted:
            self.world.truth.mutes ^= {(self.people[muter], self.people[muted])}
            self._tell_relations(self.people[muter], note=note, hides=True)

    @rule(owner=person, friend=person, note=noted)
    def befriend_or_not(self, owner: int, friend: int, note: bool) -> None:
        if owner != friend:
            self.world.truth.close_friends ^= {(self.people[owner], self.people[friend])}
            self._tell_relations(self.people[friend], note=note, hides=True)

    @rule(user=person, followed=tag, note=noted)
    def follow_a_tag_or_not(self, user: int, followed: str, note: bool) -> None:
        self.world.truth.followed_tags ^= {(self.people[user], followed)}
        self._tell_relations(self.people[user], note=note, hides=True)

    @rule(user=person)
    def go_private_or_public(self, user: int) -> None:
        self.world.truth.private ^= {self.people[user]}
        self._tell_account(self.people[user])

    @rule(user=person)
    def suspend_or_restore(self, user: int) -> None:
        self.world.truth.inactive ^= {self.people[user]}
        self._tell_account(self.people[user])

    @rule(user=person, data=st.data(), note=noted)
    def like_or_unlike(self, user: int, data: st.DataObject, note: bool) -> None:
        """Likes of one post by one account are heard in order, and some of them again."""
        if self.world.posts.authors:
            pair = (self.people[user], data.draw(st.sampled_from(sorted(self.world.posts.authors))))
            change = self.world.clock.next_id()
            liked = pair not in self.world.truth.likes
            if liked:
                self.world.truth.likes[pair] = change
            else:
                del self.world.truth.likes[pair]
            hearing = partial(self.world.liked, *pair, change, liked=liked)
            self.unheard.append(hearing)
            if note and not self.world.warm.is_down:
                self._run(hearing())

    @rule(threshold=st.sampled_from([0, 1, 2, 100]))
    def change_the_threshold(self, threshold: int) -> None:
        self.world.threshold = threshold

    @rule(hours=st.sampled_from([0, 2]))
    def authors_are_reviewed(self, hours: int) -> None:
        self.world.clock.tick(timedelta(hours=hours))
        self._run(self.world.review())

    @rule(again=st.booleans())
    def hear_a_backfill(self, again: bool) -> None:
        if self.world.tasks.backfills and not self.world.warm.is_down:
            self._run(self.world.hear_backfill(self.world.tasks.backfills[0]))
            if not again:
                self.world.tasks.backfills.pop(0)

    @rule()
    def become_idle(self) -> None:
        """Everybody who has not read for a day."""
        if not self.world.warm.is_down:
            self._run(self.world.sweep(days=1))

    @rule(data=st.data(), again=st.booleans())
    def hear_one(self, data: st.DataObject, again: bool) -> None:
        if self.unheard:
            chosen = data.draw(st.integers(0, len(self.unheard) - 1))
            self._run(self.unheard[chosen]())
            if not again:
                self.unheard.pop(chosen)

    @rule()
    def hear_all(self) -> None:
        self._settle()

    @rule(reader=person, restarted=st.booleans())
    def read(self, reader: int, restarted: bool) -> None:
        """Whatever is not settled yet: nothing twice, in order, nothing that must not show."""
        viewer = self.people[reader]
        feed = self.world.server() if restarted else self.process.feed
        shown = self._shown(viewer, feed)
        assert shown == sorted(set(shown), reverse=True)
        if not self.shown_too_long:
            assert set(shown) <= set(self.world.oracle(viewer))

    @rule()
    def redis_is_lost(self) -> None:
        self.world.views.lose()

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

    @rule()
    def the_process_starts_anew(self) -> None:
        self.process = self.world.process()

    @invariant()
    def settled_feeds_are_what_truth_says(self) -> None:
        if not self.unheard and not self.world.warm.is_down and not self.world.tasks.late:
            self._compare()

    def teardown(self) -> None:
        self._settle()
        self._compare()
        self.runner.close()

    def _committed(self, author: int, tags: set[str], audience: Audience) -> Entry:
        entry = self.world.post(self.people[author])
        self.world.truth.tags[entry.post_id] = frozenset(tags)
        self.world.truth.audiences[entry.post_id] = audience
        return entry

    def _cut(self, follower: int, followee: int, *, note: bool) -> None:
        pair = (follower, followee)
        if pair in self.world.truth.follows:
            self.world.truth.follows.discard(pair)
            change = self.world.clock.next_id()
            self.unheard.append(lambda: self.world.follows.unfollowed(*pair, change))
            self._tell_relations(follower, note=note, hides=True)

    def _tell_relations(self, user: int, *, note: bool, hides: bool) -> None:
        self.unheard.append(partial(self.world.related, user))
        if note and not self.world.warm.is_down:
            self._run(self.world.related(user))
        else:
            self.shown_too_long |= hides

    def _tell_pieces(self, post: int, *, note: bool, hides: bool) -> None:
        async def hear() -> None:
            self.process.fragments.drop(post)

        self.unheard.append(hear)
        if note:
            self.process.fragments.drop(post)
        else:
            self.shown_too_long |= hides

    def _tell_account(self, user: int) -> None:
        async def hear() -> None:
            self.process.fragments.drop_account(user)

        self.unheard.append(hear)
        self.shown_too_long = True

    def _settle(self) -> None:
        while self.unheard:
            self._run(self.unheard.pop()())
        self.world.warm.is_down = False
        self._run(self.world.catch_up())
        self._run(self.world.hear_backfills())
        self.world.clock.tick(timedelta(milliseconds=1))
        self.shown_too_long = False

    def _compare(self) -> None:
        self.world.clock.tick(timedelta(seconds=3))  # lists that a feed process remembers are older than that
        self.process.fragments.heard_until(self.world.clock.seconds())
        started = self.world.process()
        for viewer in self.people:
            wanted = self.world.oracle(viewer)
            assert self._shown(viewer, self.process.feed) == wanted
            assert self._shown(viewer, started.feed) == wanted
            assert self._shown(viewer, started.posts) == wanted
            assert self._run(self.world.liked_by(viewer, self.process)) == self.world.likes_in_feed(viewer)

    def _shown(self, viewer: int, feed: Any) -> list[int]:
        return [post for page in self._run(self.world.pages(viewer, 2, feed)) for post in page.posts]

    def _run(self, step: Awaitable[Any]) -> Any:
        async def body() -> Any:
            return await step

        return self.runner.run(body())


Feeds.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFeeds = Feeds.TestCase
