"""What inboxes learn from events."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from heliograph.events.v1 import engagement_events_pb2 as engagement
from heliograph.events.v1 import graph_events_pb2 as graph
from heliograph.events.v1 import post_events_pb2 as post
from heliograph.events.v1.user_events_pb2 import AccountErased
from kit.consumer import Delivery
from kit.ids import first_at
from kit.proto import datetime_of

from notify_service.model import (
    CommentMade,
    Entry,
    Kind,
    about_comment,
    entries_of_comment,
    follow_by,
    follow_request_by,
    likes_of,
    mention_in_post,
)
from notify_service.service.notifications import InboxService
from notify_service.service.personal import PersonalData

Handlers = Mapping[str, Callable[[Any, Delivery], Awaitable[None]]]


def graph_handlers(service: InboxService) -> Handlers:
    async def followed(event: graph.Followed, _: Delivery) -> None:
        at, follower = datetime_of(event.followed_at), event.follower_id
        await service.withdraw(event.followee_id, [follow_request_by(follower)], follower, at)
        await service.deliver([Entry(event.followee_id, follow_by(follower), follower, event.change_id, at)])

    async def unfollowed(event: graph.Unfollowed, _: Delivery) -> None:
        at, follower = datetime_of(event.unfollowed_at), event.follower_id
        await service.withdraw(event.followee_id, [follow_by(follower)], follower, at)

    async def requested(event: graph.FollowRequested, _: Delivery) -> None:
        at, follower = datetime_of(event.requested_at), event.follower_id
        await service.deliver([Entry(event.followee_id, follow_request_by(follower), follower, event.change_id, at)])

    async def withdrawn(event: graph.FollowRequestWithdrawn, _: Delivery) -> None:
        at, follower = datetime_of(event.withdrawn_at), event.follower_id
        await service.withdraw(event.followee_id, [follow_request_by(follower)], follower, at)

    return {
        "followed": followed,
        "unfollowed": unfollowed,
        "follow_requested": requested,
        "follow_request_withdrawn": withdrawn,
    }


def engagement_handlers(service: InboxService) -> Handlers:
    async def liked(event: engagement.PostLiked, _: Delivery) -> None:
        at = datetime_of(event.liked_at)
        await service.deliver(
            [Entry(event.post_author_id, likes_of(event.post_id), event.user_id, event.change_id, at)]
        )

    async def unliked(event: engagement.PostUnliked, _: Delivery) -> None:
        at = datetime_of(event.unliked_at)
        await service.withdraw(event.post_author_id, [likes_of(event.post_id)], event.user_id, at)

    async def commented(event: engagement.CommentCreated, _: Delivery) -> None:
        made = CommentMade(
            comment_id=event.comment_id,
            post_id=event.post_id,
            post_author_id=event.post_author_id,
            author_id=event.author_id,
            reply_to_author_id=event.reply_to_author_id,
            mentioned_ids=list(event.mentioned_ids),
            at=datetime_of(event.created_at),
        )
        await service.deliver(entries_of_comment(made))

    async def uncommented(event: engagement.CommentDeleted, _: Delivery) -> None:
        # Whom else it was told is not known here; reads leave out what is about a comment that is gone.
        at, kinds = datetime_of(event.deleted_at), (Kind.COMMENT, Kind.REPLY)
        groups = [about_comment(kind, event.post_id, event.comment_id) for kind in kinds]
        await service.withdraw(event.post_author_id, groups, event.author_id, at)

    return {
        "post_liked": liked,
        "post_unliked": unliked,
        "comment_created": commented,
        "comment_deleted": uncommented,
    }


def post_handlers(service: InboxService) -> Handlers:
    async def published(event: post.PostPublished, delivery: Delivery) -> None:
        # The post is older: what was read while its media was made must not count as having read this.
        snapshot, at = event.post, delivery.time
        group, mentioned = mention_in_post(snapshot.post_id), set(snapshot.mentioned_ids)
        await service.deliver([Entry(u, group, snapshot.author_id, first_at(at), at) for u in mentioned])

    return {"post_published": published}


def user_handlers(data: PersonalData) -> Handlers:
    """Once more when the account is gone: what was under way when it was erased has come to its end."""

    async def erased(event: AccountErased, _: Delivery) -> None:
        while not (await data.erase(event.user_id))[0]:
            pass

    return {"account_erased": erased}
