"""Changes as events of the topic graph.v1, and what this service learns from its own and from the user service's."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.events.v1 import graph_events_pb2 as pb
from heliograph.events.v1.user_events_pb2 import AccountErased, AccountStateChanged, PrivacyChanged, UserEvent
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE
from kit.consumer import Consumer, Delivery, dispatch
from kit.outbox import Event
from kit.proto import datetime_of, timestamp
from kit.server import Task
from kit.settings import KafkaSettings

from graph_service.clients import account_of
from graph_service.model.relations import Change, Kind, Step
from graph_service.model.tags import TagChange
from graph_service.service.changes import Changes
from graph_service.service.news import News
from graph_service.service.personal import PersonalData
from graph_service.store.truth import pair_key

TOPIC, USER_TOPIC = "graph.v1", "user.v1"
Handlers = Mapping[str, Callable[[Any, Delivery], Awaitable[None]]]

# Of each event: its actor, its target, its time.
_FIELDS = {
    Kind.FOLLOWED: ("follower_id", "followee_id", "followed_at"),
    Kind.UNFOLLOWED: ("follower_id", "followee_id", "unfollowed_at"),
    Kind.REQUESTED: ("follower_id", "followee_id", "requested_at"),
    Kind.WITHDRAWN: ("follower_id", "followee_id", "withdrawn_at"),
    Kind.BLOCKED: ("blocker_id", "blocked_id", "blocked_at"),
    Kind.UNBLOCKED: ("blocker_id", "blocked_id", "unblocked_at"),
    Kind.MUTED: ("muter_id", "muted_id", "muted_at"),
    Kind.UNMUTED: ("muter_id", "muted_id", "unmuted_at"),
    Kind.CLOSE_FRIEND_ADDED: ("owner_id", "friend_id", "added_at"),
    Kind.CLOSE_FRIEND_REMOVED: ("owner_id", "friend_id", "removed_at"),
}


def event_of(change: Change) -> Event:
    """The two accounts are the key: what happens between them stays in order. The actor's id is the shard: an edge is
    the one exception to one distribution key a transaction."""
    step, event = change.step, pb.GraphEvent()
    actor, target, at = _FIELDS[step.kind]
    body = getattr(event, step.kind.value)
    setattr(body, actor, step.actor_id)
    setattr(body, target, step.target_id)
    getattr(body, at).CopyFrom(timestamp(change.at))
    body.change_id = change.id
    if step.until:
        body.until.CopyFrom(timestamp(step.until))
    return Event(
        topic=TOPIC,
        key=pair_key(step.actor_id, step.target_id),
        type=f"heliograph.graph.v1.{body.DESCRIPTOR.name}",
        payload=event.SerializeToString(),
        shard=step.actor_id,
    )


def tag_event_of(change: TagChange) -> Event:
    event = pb.GraphEvent()
    body = event.tag_followed if change.followed else event.tag_unfollowed
    body.user_id, body.tag, body.change_id = change.user_id, change.tag, change.id
    at = event.tag_followed.followed_at if change.followed else event.tag_unfollowed.unfollowed_at
    at.CopyFrom(timestamp(change.at))
    return Event(
        topic=TOPIC,
        key=f"{change.user_id}:#{change.tag}",
        type=f"heliograph.graph.v1.{body.DESCRIPTOR.name}",
        payload=event.SerializeToString(),
        shard=change.user_id,
    )


def change_of(kind: Kind, body: Any) -> Change:
    """The change that an event's body tells of."""
    actor, target, at = _FIELDS[kind]
    moment: Timestamp = getattr(body, at)
    until = datetime_of(body.until) if kind is Kind.MUTED and body.HasField("until") else None
    return Change(Step(kind, getattr(body, actor), getattr(body, target), until), body.change_id, datetime_of(moment))


def graph_handlers(changes: Changes) -> Handlers:
    """Views follow every change, also one whose process died before it could see to them."""

    def handler(kind: Kind) -> Callable[[Any, Delivery], Awaitable[None]]:
        async def handle(body: Any, _: Delivery) -> None:
            await changes.settle(change_of(kind, body))

        return handle

    return {kind.value: handler(kind) for kind in Kind}


def user_handlers(news: News, personal: PersonalData) -> Handlers:
    async def privacy_changed(body: PrivacyChanged, _: Delivery) -> None:
        await news.accept_all(account_of(body.profile))

    async def account_state_changed(body: AccountStateChanged, _: Delivery) -> None:
        await news.state_changed(account_of(body.profile), active=body.profile.state == ACCOUNT_STATE_ACTIVE)

    async def account_erased(body: AccountErased, _: Delivery) -> None:
        """Once more: what was under way when the account was erased has come to its end."""
        while not (await personal.erase(body.user_id))[0]:
            pass

    return {
        "privacy_changed": privacy_changed,
        "account_state_changed": account_state_changed,
        "account_erased": account_erased,
    }


def consumers(settings: KafkaSettings, changes: Changes, news: News, personal: PersonalData) -> list[Task]:
    handles = (
        ("graph.counters", TOPIC, dispatch(pb.GraphEvent, graph_handlers(changes))),
        ("graph.requests", USER_TOPIC, dispatch(UserEvent, user_handlers(news, personal))),
    )
    return [Consumer(settings, group=group, topics=[topic], handle=handle).run for group, topic, handle in handles]
