"""Changes of this service as event messages, and what this service does when it hears of them again."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from google.protobuf.message import Message
from heliograph.events.v1 import engagement_events_pb2 as engagement
from heliograph.events.v1 import post_events_pb2 as posts
from heliograph.events.v1.user_events_pb2 import AccountErased, UserEvent
from heliograph.post.v1 import post_pb2
from kit.consumer import Delivery, Handle, dispatch
from kit.outbox import Event
from kit.proto import timestamp

from post_service.model.changes import (
    Change,
    CommentCreated,
    CommentDeleted,
    LikeChanged,
    MediaProcessed,
    MediaUploaded,
    PostDeleted,
    PostEdited,
    PostPublished,
)
from post_service.model.posts import Location, Post

POST_TOPIC = "post.v1"
ENGAGEMENT_TOPIC = "engagement.v1"
USER_TOPIC = "user.v1"
_LIKED, _UNLIKED = engagement.PostLiked.DESCRIPTOR.full_name, engagement.PostUnliked.DESCRIPTOR.full_name


def encode(change: Change) -> Event:
    match change:
        case MediaUploaded() | MediaProcessed():
            return _event(POST_TOPIC, str(change.media_id), change.author_id, _media_event(change))
        case PostPublished() | PostEdited():
            return _event(POST_TOPIC, str(change.post.id), change.post.author_id, _post_event(change))
        case PostDeleted():
            return _event(POST_TOPIC, str(change.post_id), change.author_id, _deleted(change))
        case LikeChanged():
            kind, key = (_LIKED if change.liked else _UNLIKED), f"{change.post_id}:{change.user_id}"
            return Event(ENGAGEMENT_TOPIC, key, kind, _like_event(change).SerializeToString(), change.post_id)
        case CommentCreated() | CommentDeleted():
            comment = change.comment
            return _event(ENGAGEMENT_TOPIC, str(comment.id), comment.post_id, _comment_event(change))


def _event(topic: str, key: str, shard: int, message: posts.PostEvent | engagement.EngagementEvent) -> Event:
    case = message.WhichOneof("event")
    body: Message = getattr(message, str(case))
    return Event(topic, key, body.DESCRIPTOR.full_name, message.SerializeToString(), shard)


def _media_event(change: MediaUploaded | MediaProcessed) -> posts.PostEvent:
    if isinstance(change, MediaUploaded):
        uploaded = posts.MediaUploaded(media_id=change.media_id, author_id=change.author_id)
        return posts.PostEvent(media_uploaded=uploaded)
    state = post_pb2.MediaState.ValueType(change.state)
    processed = posts.MediaProcessed(media_id=change.media_id, author_id=change.author_id, state=state)
    return posts.PostEvent(media_processed=processed)


def _post_event(change: PostPublished | PostEdited) -> posts.PostEvent:
    snapshot = _snapshot(change.post)
    if isinstance(change, PostPublished):
        return posts.PostEvent(post_published=posts.PostPublished(post=snapshot))
    return posts.PostEvent(post_edited=posts.PostEdited(post=snapshot))


def _deleted(change: PostDeleted) -> posts.PostEvent:
    return posts.PostEvent(
        post_deleted=posts.PostDeleted(
            post_id=change.post_id,
            author_id=change.author_id,
            version=change.version,
            deleted_at=timestamp(change.deleted_at),
        )
    )


def _snapshot(post: Post) -> posts.PostSnapshot:
    content = post.content
    return posts.PostSnapshot(
        post_id=post.id,
        author_id=post.author_id,
        title=content.title,
        caption=content.caption,
        tags=content.tags,
        mentioned_ids=[mention.user_id for mention in content.mentions],
        location=_location(content.location) if content.location else None,
        audience=post_pb2.Audience.ValueType(content.audience),
        created_at=timestamp(post.created_at),
        version=post.version,
    )


def _location(location: Location) -> post_pb2.Location:
    return post_pb2.Location(name=location.name, latitude=location.latitude, longitude=location.longitude)


def _like_event(change: LikeChanged) -> engagement.EngagementEvent:
    pair = {"post_id": change.post_id, "post_author_id": change.post_author_id, "user_id": change.user_id}
    at, change_id = timestamp(change.at), change.change_id
    if change.liked:
        return engagement.EngagementEvent(post_liked=engagement.PostLiked(**pair, liked_at=at, change_id=change_id))
    return engagement.EngagementEvent(post_unliked=engagement.PostUnliked(**pair, unliked_at=at, change_id=change_id))


def _comment_event(change: CommentCreated | CommentDeleted) -> engagement.EngagementEvent:
    comment = change.comment
    common = {
        "comment_id": comment.id,
        "post_id": comment.post_id,
        "post_author_id": comment.post_author_id,
        "author_id": comment.author_id,
        "reply_to": comment.reply_to,
    }
    if isinstance(change, CommentDeleted):
        deleted = engagement.CommentDeleted(**common, removed=change.removed, deleted_at=timestamp(change.deleted_at))
        return engagement.EngagementEvent(comment_deleted=deleted)
    created = engagement.CommentCreated(
        **common,
        reply_to_author_id=comment.reply_to_author_id,
        mentioned_ids=[mention.user_id for mention in comment.mentions],
        created_at=timestamp(comment.created_at),
    )
    return engagement.EngagementEvent(comment_created=created)


class Tally(Protocol):
    """service.tallies, as the events need it."""

    async def liked(self, post_id: int, change_id: int) -> object: ...

    async def unliked(self, post_id: int, change_id: int) -> object: ...

    async def commented(self, post_id: int, comment_id: int, reply_to: int) -> None: ...

    async def uncommented(self, post_id: int, comment_id: int, reply_to: int, removed: int) -> None: ...


def count_handler(tally: Tally) -> Handle:
    """Counts what the call that made the change could not count."""

    async def liked(event: engagement.PostLiked, _delivery: Delivery) -> None:
        await tally.liked(event.post_id, event.change_id)

    async def unliked(event: engagement.PostUnliked, _delivery: Delivery) -> None:
        await tally.unliked(event.post_id, event.change_id)

    async def created(event: engagement.CommentCreated, _delivery: Delivery) -> None:
        await tally.commented(event.post_id, event.comment_id, event.reply_to)

    async def deleted(event: engagement.CommentDeleted, _delivery: Delivery) -> None:
        await tally.uncommented(event.post_id, event.comment_id, event.reply_to, event.removed)

    return dispatch(
        engagement.EngagementEvent,
        {"post_liked": liked, "post_unliked": unliked, "comment_created": created, "comment_deleted": deleted},
    )


def cache_handler(renew: Callable[[int], Awaitable[None]]) -> Handle:
    """Writes the cache where the call that made the change could not."""

    async def changed(event: posts.PostPublished | posts.PostEdited, _delivery: Delivery) -> None:
        await renew(event.post.post_id)

    async def deleted(event: posts.PostDeleted, _delivery: Delivery) -> None:
        await renew(event.post_id)

    return dispatch(posts.PostEvent, {"post_published": changed, "post_edited": changed, "post_deleted": deleted})


def erased_handler(erase: Callable[[int], Awaitable[tuple[bool, int]]]) -> Handle:
    """Once more when the account is gone: what was under way when it was erased has come to its end."""

    async def erased(event: AccountErased, _delivery: Delivery) -> None:
        done, removed = await erase(event.user_id)
        while removed and not done:
            done, removed = await erase(event.user_id)

    return dispatch(UserEvent, {"account_erased": erased})
