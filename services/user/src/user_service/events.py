"""What happened to accounts, as others hear it on the topic user.v1, keyed by account id."""

from collections.abc import Awaitable, Callable, Mapping

from heliograph.events.v1.user_events_pb2 import AccountErased as ErasedMessage
from heliograph.events.v1.user_events_pb2 import AccountRegistered as RegisteredMessage
from heliograph.events.v1.user_events_pb2 import AccountStateChanged as StateMessage
from heliograph.events.v1.user_events_pb2 import PrivacyChanged as PrivacyMessage
from heliograph.events.v1.user_events_pb2 import ProfileChanged as ProfileMessage
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import user_pb2 as pb
from kit.consumer import Delivery
from kit.outbox import Event
from kit.proto import datetime_of, timestamp

from user_service.model.accounts import (
    AccountRegistered,
    AccountState,
    AccountStateChanged,
    AllowedBy,
    Change,
    PrivacyChanged,
    Profile,
    ProfileChanged,
)
from user_service.model.lifecycle import AccountErased
from user_service.service.accounts import Accounts

TOPIC = "user.v1"

Told = RegisteredMessage | ProfileMessage | PrivacyMessage | StateMessage
Handler = Callable[[Told, Delivery], Awaitable[None]]


def event_of(change: Change) -> Event:
    message = _message(change)
    return Event(
        topic=TOPIC,
        key=str(change.profile.id),
        type=f"heliograph.user.v1.{type(change).__name__}",
        payload=message.SerializeToString(),
        shard=change.profile.id,
    )


def erased_event_of(erased: AccountErased) -> Event:
    """The last of its key."""
    message = ErasedMessage(user_id=erased.user_id, erased_at=timestamp(erased.erased_at))
    return Event(
        topic=TOPIC,
        key=str(erased.user_id),
        type="heliograph.user.v1.AccountErased",
        payload=UserEvent(account_erased=message).SerializeToString(),
        shard=erased.user_id,
    )


def profile_message(profile: Profile) -> pb.Profile:
    return pb.Profile(
        id=profile.id,
        username=profile.username,
        name=profile.name,
        bio=profile.bio,
        website=profile.website,
        location=profile.location,
        pronouns=profile.pronouns,
        avatar_key=profile.avatar_key,
        private_account=profile.private_account,
        state=pb.AccountState.ValueType(profile.state.value),
        created_at=timestamp(profile.created_at),
        version=profile.version,
        comments_from=pb.AllowedBy.ValueType(profile.comments_from.value),
        mentions_from=pb.AllowedBy.ValueType(profile.mentions_from.value),
        unlisted=profile.unlisted,
    )


def profile_of(message: pb.Profile) -> Profile:
    return Profile(
        id=message.id,
        username=message.username,
        name=message.name,
        bio=message.bio,
        website=message.website,
        location=message.location,
        pronouns=message.pronouns,
        avatar_key=message.avatar_key,
        private_account=message.private_account,
        state=AccountState(message.state),
        created_at=datetime_of(message.created_at),
        version=message.version,
        comments_from=_allowed(message.comments_from),
        mentions_from=_allowed(message.mentions_from),
        unlisted=message.unlisted,
    )


def _allowed(value: int) -> AllowedBy:
    """Profiles from before the field say nothing."""
    return next((allowed for allowed in AllowedBy if allowed == value), AllowedBy.EVERYONE)


def encode(profile: Profile) -> bytes:
    """For the cache: protobuf, so that old and new code read each other's entries."""
    return profile_message(profile).SerializeToString()


def decode(content: bytes) -> Profile:
    return profile_of(pb.Profile.FromString(content))


def handlers(accounts: Accounts) -> Mapping[str, Handler]:
    """We hear our own events too: what the caches missed when it happened, they get then."""

    async def refresh(message: Told, _delivery: Delivery) -> None:
        await accounts.refresh_cache(profile_of(message.profile))

    told = ("account_registered", "profile_changed", "privacy_changed", "account_state_changed")
    return dict.fromkeys(told, refresh)


def _message(change: Change) -> UserEvent:
    profile = profile_message(change.profile)
    match change:
        case AccountRegistered():
            return UserEvent(account_registered=RegisteredMessage(profile=profile))
        case ProfileChanged():
            return UserEvent(profile_changed=ProfileMessage(profile=profile))
        case PrivacyChanged():
            return UserEvent(privacy_changed=PrivacyMessage(profile=profile))
        case AccountStateChanged():
            return UserEvent(account_state_changed=StateMessage(profile=profile))
