"""What keeps the views of viewers and the pieces of posts right: the consumer of the `feed.views` group, in the fan-out
process, and what every serving process listens to for itself."""

from heliograph.events.v1.engagement_events_pb2 import EngagementEvent, PostLiked, PostUnliked
from heliograph.events.v1.graph_events_pb2 import (
    Blocked,
    CloseFriendAdded,
    CloseFriendRemoved,
    Followed,
    GraphEvent,
    Muted,
    TagFollowed,
    TagUnfollowed,
    Unblocked,
    Unfollowed,
    Unmuted,
)
from heliograph.events.v1.post_events_pb2 import PostDeleted, PostEdited, PostEvent, PostPublished
from heliograph.events.v1.user_events_pb2 import (
    AccountErased,
    AccountStateChanged,
    PrivacyChanged,
    ProfileChanged,
    UserEvent,
)
from kit.consumer import Consumer, Delivery, by_topic, dispatch
from kit.listener import Listener
from kit.server import Task
from kit.settings import KafkaSettings

from feed_service.events import Handlers
from feed_service.service import Fragments, Notes

_AT_ONCE = 64


def views_consumer(settings: KafkaSettings, notes: Notes) -> Task:
    handle = by_topic(
        {
            "graph.v1": dispatch(GraphEvent, relation_handlers(notes)),
            "engagement.v1": dispatch(EngagementEvent, like_handlers(notes)),
        }
    )
    topics = ["graph.v1", "engagement.v1"]
    return Consumer(settings, group="feed.views", topics=topics, handle=handle, concurrency=_AT_ONCE).run


def pieces_listener(settings: KafkaSettings, fragments: Fragments) -> Listener:
    handle = by_topic(
        {
            "post.v1": dispatch(PostEvent, post_handlers(fragments)),
            "user.v1": dispatch(UserEvent, account_handlers(fragments)),
        }
    )
    return Listener(settings, topics=["post.v1", "user.v1"], handle=handle, missed=fragments.clear)


def relation_handlers(notes: Notes) -> Handlers:
    """Of each change, those whose feed it concerns."""

    async def followed(event: Followed | Unfollowed, _: Delivery) -> None:
        await notes.relations_changed([event.follower_id])

    async def blocked(event: Blocked | Unblocked, _: Delivery) -> None:
        await notes.relations_changed([event.blocker_id, event.blocked_id])

    async def muted(event: Muted | Unmuted, _: Delivery) -> None:
        await notes.relations_changed([event.muter_id])

    async def befriended(event: CloseFriendAdded | CloseFriendRemoved, _: Delivery) -> None:
        await notes.relations_changed([event.friend_id])

    async def tag(event: TagFollowed | TagUnfollowed, _: Delivery) -> None:
        await notes.relations_changed([event.user_id])

    return {
        "followed": followed,
        "unfollowed": followed,
        "blocked": blocked,
        "unblocked": blocked,
        "muted": muted,
        "unmuted": muted,
        "close_friend_added": befriended,
        "close_friend_removed": befriended,
        "tag_followed": tag,
        "tag_unfollowed": tag,
    }


def like_handlers(notes: Notes) -> Handlers:
    async def liked(event: PostLiked, _: Delivery) -> None:
        await notes.liked(event.user_id, event.post_id, event.change_id, liked=True)

    async def unliked(event: PostUnliked, _: Delivery) -> None:
        await notes.liked(event.user_id, event.post_id, event.change_id, liked=False)

    return {"post_liked": liked, "post_unliked": unliked}


def post_handlers(fragments: Fragments) -> Handlers:
    async def changed(event: PostPublished | PostEdited, _: Delivery) -> None:
        fragments.drop(event.post.post_id)

    async def deleted(event: PostDeleted, _: Delivery) -> None:
        fragments.drop(event.post_id)

    return {"post_published": changed, "post_edited": changed, "post_deleted": deleted}


def account_handlers(fragments: Fragments) -> Handlers:
    async def changed(event: ProfileChanged | PrivacyChanged | AccountStateChanged, _: Delivery) -> None:
        fragments.drop_account(event.profile.id)

    async def erased(event: AccountErased, _: Delivery) -> None:
        fragments.drop_account(event.user_id)

    return {
        "profile_changed": changed,
        "privacy_changed": changed,
        "account_state_changed": changed,
        "account_erased": erased,
    }
