"""What viewers' interests learn from events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heliograph.events.v1 import engagement_events_pb2 as engagement
from heliograph.events.v1 import post_events_pb2 as post
from kit.consumer import Delivery, HandleBatch, decode
from kit.ids import first_at
from kit.proto import datetime_of

from feed_service.model.ranking import PostFacts, cell_of
from feed_service.model.ranking.interests import COMMENT, LIKE, OWN_POST
from feed_service.service.interests import Deed, Interest

_TOPICS: Mapping[str, Any] = {"engagement.v1": engagement.EngagementEvent, "post.v1": post.PostEvent}


def interest_handler(interest: Interest) -> HandleBatch:
    """Of engagement.v1 and post.v1, many at once: what is not known of the posts is asked in one call."""

    async def handle(deliveries: Sequence[Delivery]) -> None:
        deeds = [deed for delivery in deliveries if (deed := _deed(delivery))]
        if deeds:
            await interest.record(deeds)

    return handle


def _deed(delivery: Delivery) -> Deed | None:
    event = decode(_TOPICS[delivery.topic], delivery)
    case = event.WhichOneof("event")
    return _DEEDS[case](getattr(event, case)) if case in _DEEDS else None


def _liked(event: engagement.PostLiked) -> Deed:
    return Deed(event.user_id, f"l{event.post_id:x}", event.change_id, LIKE, event.post_id, event.post_author_id)


def _unliked(event: engagement.PostUnliked) -> Deed:
    return Deed(event.user_id, f"l{event.post_id:x}", event.change_id, 0, event.post_id, event.post_author_id)


def _commented(event: engagement.CommentCreated) -> Deed:
    name = f"c{event.comment_id:x}"
    return Deed(event.author_id, name, event.comment_id, COMMENT, event.post_id, event.post_author_id)


def _uncommented(event: engagement.CommentDeleted) -> Deed:
    """Has no id of its own; a comment does not come back."""
    later = max(first_at(datetime_of(event.deleted_at)), event.comment_id + 1)
    return Deed(event.author_id, f"c{event.comment_id:x}", later, 0, event.post_id, event.post_author_id)


def _published(event: post.PostPublished) -> Deed:
    made = event.post
    cell = cell_of(made.location.latitude, made.location.longitude) if made.HasField("location") else None
    content = PostFacts(made.post_id, made.author_id, tags=list(made.tags), cell=cell)
    return Deed(made.author_id, f"o{made.post_id:x}", made.post_id, OWN_POST, made.post_id, made.author_id, content)


def _deleted(event: post.PostDeleted) -> Deed:
    later = max(first_at(datetime_of(event.deleted_at)), event.post_id + 1)
    return Deed(event.author_id, f"o{event.post_id:x}", later, 0, event.post_id, event.author_id)


_DEEDS: Mapping[str | None, Callable[[Any], Deed]] = {
    "post_liked": _liked,
    "post_unliked": _unliked,
    "comment_created": _commented,
    "comment_deleted": _uncommented,
    "post_published": _published,
    "post_deleted": _deleted,
}
