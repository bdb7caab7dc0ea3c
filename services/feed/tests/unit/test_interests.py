"""What the events teach about a viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from feed_service.events_interests import interest_handler
from feed_service.model.ranking import Cell, Interaction, Interests, PostFacts, interests_of, mark_of
from feed_service.service.interests import Interest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.events.v1 import engagement_events_pb2 as engagement
from heliograph.events.v1 import post_events_pb2 as post
from heliograph.post.v1.post_pb2 import Location
from kit.consumer import Delivery, Undecodable
from kit.ids import first_at, time_of

from services.feed.tests.fakes import START, Clock, FakeErased
from services.feed.tests.top_fakes import FakeFacts, FakeFeed, FakeRedis

ANN, BOB = 5, 6
PHOTO = PostFacts(first_at(START), BOB, tags=("dusk",), cell=Cell(525, 1932))


@dataclass
class Learner:
    """Of one viewer at a time: the log is not told apart by viewer."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.facts = FakeFacts(FakeFeed({PHOTO.post_id: PHOTO}))
        self.log, self.erased = FakeRedis(self.clock), FakeErased()
        self.handle = interest_handler(Interest(self.facts, self.log, self.erased))

    async def hear(self, *events: Message) -> Interests:
        await self.handle([_delivery(event) for event in events])
        return self.interests

    @property
    def interests(self) -> Interests:
        return interests_of(self.log.log.values(), self.clock.now())

    def liked(self, post_id: int = PHOTO.post_id, author: int = BOB) -> Message:
        event = engagement.PostLiked(
            post_id=post_id, post_author_id=author, user_id=ANN, change_id=first_at(self.clock.now())
        )
        return engagement.EngagementEvent(post_liked=event)

    def unliked(self) -> Message:
        event = engagement.PostUnliked(
            post_id=PHOTO.post_id, post_author_id=BOB, user_id=ANN, change_id=first_at(self.clock.tick())
        )
        return engagement.EngagementEvent(post_unliked=event)

    def commented(self) -> engagement.CommentCreated:
        return engagement.CommentCreated(
            comment_id=first_at(self.clock.now()), post_id=PHOTO.post_id, post_author_id=BOB, author_id=ANN
        )


def _delivery(event: Message) -> Delivery:
    topic = "post.v1" if isinstance(event, post.PostEvent) else "engagement.v1"
    return Delivery(topic, 0, 0, "", "", "", START, event.SerializeToString())


def at(moment: object) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)  # pyright: ignore[reportArgumentType]
    return stamp


def weighed(interests: Interests) -> tuple[Mapping[str, float], Mapping[str, float], Mapping[Cell, float]]:
    return interests.authors, interests.tags, interests.cells


OF_A_LIKE = ({mark_of(ANN, BOB): 1}, {"dusk": 1}, {Cell(525, 1932): 1})


async def test_a_like_tells_of_the_author_the_tags_and_the_place() -> None:
    learner = Learner()
    assert weighed(await learner.hear(learner.liked())) == OF_A_LIKE
    assert str(BOB) not in [one.author for one in learner.log.log.values()]


async def test_the_same_event_heard_again_counts_once() -> None:
    learner = Learner()
    like = learner.liked()
    await learner.hear(like, like)
    assert weighed(await learner.hear(like)) == OF_A_LIKE


async def test_taking_a_like_back_leaves_nothing_in_any_order() -> None:
    learner = Learner()
    like, unlike = learner.liked(), learner.unliked()
    assert weighed(await learner.hear(unlike, like)) == ({}, {}, {})
    assert weighed(await learner.hear(like)) == ({}, {}, {})


async def test_a_comment_tells_more_than_a_like_until_it_is_deleted() -> None:
    learner = Learner()
    comment = learner.commented()
    found = await learner.hear(engagement.EngagementEvent(comment_created=comment))
    assert found.authors == {mark_of(ANN, BOB): 3}
    gone = engagement.CommentDeleted(
        comment_id=comment.comment_id, post_id=PHOTO.post_id, post_author_id=BOB, author_id=ANN,
        deleted_at=at(time_of(comment.comment_id)),
    )  # fmt: skip
    assert not (await learner.hear(engagement.EngagementEvent(comment_deleted=gone))).authors
    assert not (await learner.hear(engagement.EngagementEvent(comment_created=comment))).authors


async def test_own_posts_tell_of_places_and_tags_until_they_are_deleted() -> None:
    learner = Learner()
    snapshot = post.PostSnapshot(
        post_id=first_at(START), author_id=ANN, tags=["sea"], location=Location(latitude=1.05, longitude=2.05)
    )
    published = post.PostEvent(post_published=post.PostPublished(post=snapshot))
    assert weighed(await learner.hear(published)) == ({}, {"sea": 1}, {Cell(10, 1820): 1})
    deleted = post.PostDeleted(post_id=snapshot.post_id, author_id=ANN, deleted_at=at(START + timedelta(hours=1)))
    assert weighed(await learner.hear(post.PostEvent(post_deleted=deleted))) == ({}, {}, {})


async def test_oneself_is_no_author_one_is_fond_of() -> None:
    learner = Learner()
    assert (await learner.hear(learner.liked(author=ANN))).authors == {}


async def test_a_like_of_a_post_that_is_gone_tells_of_its_author_alone() -> None:
    learner = Learner()
    assert weighed(await learner.hear(learner.liked(post_id=99))) == ({mark_of(ANN, BOB): 1}, {}, {})


async def test_nothing_is_learned_of_an_account_that_is_gone_for_good() -> None:
    learner = Learner()
    learner.erased.marked.add(ANN)
    await learner.hear(learner.liked(), learner.unliked())
    assert learner.log.log == {}


async def test_other_events_teach_nothing_and_what_is_no_event_is_said_to_be_none() -> None:
    learner = Learner()
    await learner.hear(post.PostEvent(media_uploaded=post.MediaUploaded(media_id=1)), post.PostEvent())
    assert learner.log.log == {}
    with pytest.raises(Undecodable):
        await learner.handle([Delivery("engagement.v1", 0, 0, "", "", "", START, b"\xff")])


class CountedFacts(FakeFacts):
    asked = 0

    async def contents(self, post_ids: Sequence[int]) -> Mapping[int, PostFacts]:
        self.asked += 1
        return await super().contents(post_ids)


async def test_posts_are_asked_for_once_for_all_events_and_not_for_what_is_undone() -> None:
    log = FakeRedis(Clock())
    facts = CountedFacts(FakeFeed({PHOTO.post_id: PHOTO}))
    handle = interest_handler(Interest(facts, log, FakeErased()))
    learner = Learner()
    await handle([_delivery(learner.liked()), _delivery(learner.liked(post_id=8))])
    assert facts.asked == 1
    assert set(log.log.values()) == {
        Interaction(first_at(START), 1, mark_of(ANN, BOB), ("dusk",), PHOTO.cell),
        Interaction(first_at(START), 1, mark_of(ANN, BOB)),
    }
