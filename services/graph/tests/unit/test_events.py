"""Changes as events."""

from datetime import UTC, datetime

import pytest
from graph_service.events import change_of, event_of, tag_event_of
from graph_service.model.relations import Change, Kind, Step
from graph_service.model.tags import TagChange
from heliograph.events.v1.graph_events_pb2 import GraphEvent, TagFollowed, TagUnfollowed
from kit.proto import timestamp

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.mark.parametrize("kind", Kind)
def test_an_event_tells_the_whole_change(kind: Kind):
    change = Change(Step(kind, 20, 3), 77, AT)

    message = GraphEvent.FromString(event_of(change).payload)

    assert message.WhichOneof("event") == kind.value
    assert change_of(kind, getattr(message, kind.value)) == change


def test_a_mute_tells_its_end_if_it_has_one():
    change = Change(Step(Kind.MUTED, 20, 3, datetime(2026, 1, 3, tzinfo=UTC)), 77, AT)

    message = GraphEvent.FromString(event_of(change).payload)

    assert change_of(Kind.MUTED, message.muted) == change


def test_both_directions_of_a_pair_have_one_key_so_that_they_stay_in_order():
    there = event_of(Change(Step(Kind.FOLLOWED, 20, 3), 1, AT))
    back = event_of(Change(Step(Kind.BLOCKED, 3, 20), 2, AT))

    assert there.key == back.key == "3:20"
    assert (there.topic, there.type, there.shard) == ("graph.v1", "heliograph.graph.v1.Followed", 20)
    assert (back.type, back.shard) == ("heliograph.graph.v1.Blocked", 3)


def test_a_tag_of_an_account_has_a_key_of_its_own_and_tells_the_whole_change():
    followed = tag_event_of(TagChange(20, "été", followed=True, id=7, at=AT))
    left = tag_event_of(TagChange(20, "été", followed=False, id=8, at=AT))

    assert followed.key == left.key == "20:#été"
    assert (followed.topic, followed.type, followed.shard) == ("graph.v1", "heliograph.graph.v1.TagFollowed", 20)
    assert left.type == "heliograph.graph.v1.TagUnfollowed"
    told = TagFollowed(user_id=20, tag="été", followed_at=timestamp(AT), change_id=7)
    assert GraphEvent.FromString(followed.payload) == GraphEvent(tag_followed=told)
    untold = TagUnfollowed(user_id=20, tag="été", unfollowed_at=timestamp(AT), change_id=8)
    assert GraphEvent.FromString(left.payload) == GraphEvent(tag_unfollowed=untold)
