"""What an account wishes of others and of Heliograph."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from kit.errors import FieldViolation

from user_service.model import errors
from user_service.model.accounts import AllowedBy, Profile

NOTIFICATIONS = ("like", "comment", "reply", "mention", "follow", "follow_request")
OF_PROFILE = ("private_account", "unlisted", "comments_from", "mentions_from")
"""Settings that others must know of to heed them: they are part of the profile."""


class NotifyOf(IntEnum):
    """Whose doings make a notification."""

    EVERYONE = 1
    FOLLOWING = 2
    NOBODY = 3


Value = bool | AllowedBy | NotifyOf | None


@dataclass(frozen=True)
class Wishes:
    """Settings that only this service and whoever notifies know. `notifications` holds what is not EVERYONE.

    `messages_from` is kept for when there are messages; nothing reads it yet."""

    messages_from: AllowedBy = AllowedBy.EVERYONE
    notifications: Mapping[str, NotifyOf] = field(default_factory=dict[str, NotifyOf])
    version: int = 0

    def of(self, kind: str) -> NotifyOf:
        return self.notifications.get(kind, NotifyOf.EVERYONE)


@dataclass(frozen=True)
class Settings:
    profile: Profile
    wishes: Wishes

    @property
    def etag(self) -> str:
        return f"{self.profile.version}.{self.wishes.version}"


def parted(values: Mapping[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    """Of the profile, and of the wishes."""
    of_profile = {name: value for name, value in values.items() if name in OF_PROFILE}
    return of_profile, {name: value for name, value in values.items() if name not in OF_PROFILE}


def wished(wishes: Wishes, values: Mapping[str, Value]) -> Wishes:
    """With these values, by their names: messages_from, notifications.<kind>. The version is one more if anything
    differs. Raises InvalidArgument INVALID_FIELD with every fault at once."""
    faults = [
        FieldViolation(f"/{name.replace('.', '/')}", fault)
        for name, value in values.items()
        if (fault := _fault(name, value))
    ]
    if faults:
        raise errors.invalid_fields(faults)
    after = wishes
    for name, value in values.items():
        if isinstance(value, NotifyOf):
            after = replace(after, notifications=_with(after.notifications, name.removeprefix(_OF), value))
        elif isinstance(value, AllowedBy):
            after = replace(after, messages_from=value)
    return after if after == wishes else replace(after, version=wishes.version + 1)


_OF = "notifications."


def _with(notifications: Mapping[str, NotifyOf], kind: str, of: NotifyOf) -> Mapping[str, NotifyOf]:
    others = {name: value for name, value in notifications.items() if name != kind}
    return others if of is NotifyOf.EVERYONE else others | {kind: of}


def _fault(name: str, value: Value) -> str | None:
    if name == "messages_from":
        return None if isinstance(value, AllowedBy) else "must be everyone, followers, following or nobody"
    if name.startswith(_OF) and name.removeprefix(_OF) in NOTIFICATIONS:
        return None if isinstance(value, NotifyOf) else "must be everyone, following or nobody"
    return "is not a setting"
