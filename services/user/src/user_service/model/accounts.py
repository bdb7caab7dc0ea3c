"""Accounts: what they are, and how one is made and changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

from kit.errors import FieldViolation

from user_service.model import errors, names


class AccountState(IntEnum):
    """DELETED from the moment its owner asks for it: the erasure follows after a time in which it can be called off."""

    ACTIVE = 1
    SUSPENDED = 2
    DELETED = 3


class Role(IntEnum):
    MEMBER = 1
    MODERATOR = 2
    ADMIN = 3


class AllowedBy(IntEnum):
    """Whom an account lets do something: FOLLOWERS follow it, FOLLOWING are those it follows."""

    EVERYONE = 1
    FOLLOWERS = 2
    FOLLOWING = 3
    NOBODY = 4


@dataclass(frozen=True)
class Profile:
    """What others may see of an account. `version` grows with every change of the account; `avatar_key` is the folder
    of the avatar's files, empty when there is none; who is `unlisted` shows neither in search nor in suggestions."""

    id: int
    username: str
    name: str
    bio: str
    website: str
    location: str
    pronouns: str
    avatar_key: str
    private_account: bool
    state: AccountState
    created_at: datetime
    version: int
    comments_from: AllowedBy = AllowedBy.EVERYONE
    mentions_from: AllowedBy = AllowedBy.EVERYONE
    unlisted: bool = False

    @property
    def active(self) -> bool:
        return self.state is AccountState.ACTIVE


@dataclass(frozen=True)
class Account:
    """What its owner sees. `epoch` grows whenever all sessions end: what was proved before counts no more."""

    profile: Profile
    email: str
    email_verified: bool
    role: Role = Role.MEMBER
    delete_after: datetime | None = None
    epoch: int = 0

    @property
    def etag(self) -> str:
        return str(self.profile.version)

    def deletion_pending(self, now: datetime) -> bool:
        """Asked for, and to be called off until it is done."""
        deleted = self.profile.state is AccountState.DELETED
        return deleted and self.delete_after is not None and self.delete_after > now

    def with_profile(self, profile: Profile) -> "Account":
        return replace(self, profile=profile)


@dataclass(frozen=True)
class Registration:
    """A checked wish for an account. `request_id` is empty when the wish cannot be repeated."""

    username: str
    email: str
    password: str = field(repr=False)
    name: str
    request_id: str


@dataclass(frozen=True)
class AccountRegistered:
    profile: Profile


@dataclass(frozen=True)
class ProfileChanged:
    profile: Profile


@dataclass(frozen=True)
class PrivacyChanged:
    profile: Profile


@dataclass(frozen=True)
class AccountStateChanged:
    profile: Profile


Change = AccountRegistered | ProfileChanged | PrivacyChanged | AccountStateChanged


def registration(
    *, username: str, email: str, password: str, name: str, request_id: str, weakness: str | None = None
) -> Registration:
    """`weakness` is what else is wrong with the password. Raises InvalidArgument INVALID_FIELD with every fault at
    once."""
    wanted = Registration(
        username=names.fold_username(username),
        email=names.clean_email(email),
        password=names.fold_password(password),
        name=names.clean_text(name),
        request_id=request_id,
    )
    _refuse(
        {
            "username": names.username_fault(username),
            "email": names.email_fault(wanted.email),
            "password": names.password_fault(wanted.password) or weakness,
            "name": names.text_fault("name", wanted.name),
            "request_id": names.request_id_fault(request_id),
        }
    )
    return wanted


_SWITCHES = ("private_account", "unlisted")
_DOORS = ("comments_from", "mentions_from")


def edited(profile: Profile, values: Mapping[str, object]) -> Profile:
    """The profile with these fields: the texts of TEXT_LIMITS, _SWITCHES, _DOORS. The version is one more if anything
    differs. Raises InvalidArgument INVALID_FIELD with every fault at once."""
    cleaned = {name: names.clean_text(value) if isinstance(value, str) else value for name, value in values.items()}
    _refuse({name: _edit_fault(name, value) for name, value in cleaned.items()})
    after = replace(profile, **cleaned)  # type: ignore[arg-type]
    return after if after == profile else replace(after, version=profile.version + 1)


def changes(before: Profile, after: Profile) -> list[Change]:
    """What the difference means to others; nothing when there is none."""
    if before == after:
        return []
    flipped = before.private_account != after.private_account
    told: list[Change] = [PrivacyChanged(after)] if flipped else []
    same_texts = replace(after, private_account=before.private_account, version=before.version) == before
    return told if same_texts else [*told, ProfileChanged(after)]


def in_state(account: Account, state: AccountState, delete_after: datetime | None) -> Account:
    """The account in this state, in a new version."""
    profile = replace(account.profile, state=state, version=account.profile.version + 1)
    return replace(account, profile=profile, delete_after=delete_after)


def with_avatar(profile: Profile, avatar_key: str) -> Profile:
    after = replace(profile, avatar_key=avatar_key)
    return after if after == profile else replace(after, version=profile.version + 1)


def _edit_fault(name: str, value: object) -> str | None:
    if isinstance(value, str) and name in names.TEXT_LIMITS:
        return names.text_fault(name, value)
    fits = (name in _SWITCHES and isinstance(value, bool)) or (name in _DOORS and isinstance(value, AllowedBy))
    return None if fits else "is not a field that can be changed"


def _refuse(faults: Mapping[str, str | None]) -> None:
    found = [FieldViolation(f"/{name}", reason) for name, reason in faults.items() if reason]
    if found:
        raise errors.invalid_fields(found)
