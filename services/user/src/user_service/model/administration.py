"""Who may do what to other people's accounts, and what is kept of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, PermissionDenied

from user_service.model import names
from user_service.model.accounts import Account, AccountState, Role
from user_service.model.security import Device

MAX_REASON, MAX_OPERATOR, MAX_DETAILS = 500, 100, 20
_ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}")
_OPERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@\\-]*")


NOWHERE = Device()


class Action(StrEnum):
    SUSPEND = "user.suspend"
    RESTORE = "user.restore"
    SET_ROLE = "user.set_role"
    RESET_FACTOR = "user.reset_factor"


@dataclass(frozen=True)
class Actor:
    """An account, or an operator at a machine of ours: exactly one of account_id and operator is set."""

    account_id: int = 0
    operator: str = ""
    device: Device = NOWHERE

    @property
    def name(self) -> str:
        return f"operator:{self.operator}" if self.operator else f"account:{self.account_id}"


@dataclass(frozen=True)
class Entry:
    """What was done. `user_id` is 0 when it was about nobody."""

    actor: Actor
    action: str
    user_id: int
    reason: str
    details: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class AuditEntry:
    id: int
    entry: Entry
    created_at: datetime


@dataclass(frozen=True)
class AdminView:
    """An account as administrators see it. `sessions` are those that live, of apps too."""

    account: Account
    has_second_factor: bool
    sessions: int


@dataclass(frozen=True)
class Standing:
    """What an acting account is at this moment."""

    role: Role
    state: AccountState
    has_second_factor: bool


@dataclass(frozen=True)
class Power:
    """What the actor may do at this moment."""

    actor: Actor
    role: Role

    @property
    def operator(self) -> bool:
        return bool(self.actor.operator)

    @property
    def admin(self) -> bool:
        return self.operator or self.role is Role.ADMIN

    def check_admin(self) -> None:
        """Raises PermissionDenied NOT_ALLOWED."""
        if not self.admin:
            raise not_allowed()

    def check_operator(self) -> None:
        """Raises PermissionDenied NOT_ALLOWED."""
        if not self.operator:
            raise not_allowed()

    def check_moderates(self, target: Account) -> None:
        """Moderators reach members alone. Raises PermissionDenied NOT_ALLOWED, FailedPrecondition OWN_ACCOUNT."""
        self.check_is_other(target)
        if not self.admin and (self.role is not Role.MODERATOR or target.role is not Role.MEMBER):
            raise not_allowed()

    def check_is_other(self, target: Account) -> None:
        """Raises FailedPrecondition OWN_ACCOUNT."""
        if target.profile.id == self.actor.account_id:
            raise own_account()


def power_of(actor: Actor, standing: Standing | None) -> Power:
    """Raises PermissionDenied NOT_ALLOWED."""
    if actor.operator:
        return Power(actor, Role.ADMIN)
    if standing is None or standing.state is not AccountState.ACTIVE or standing.role is Role.MEMBER:
        raise not_allowed()
    return Power(actor, standing.role)


def check_leaves_an_admin(target: Account, other_admins: int) -> None:
    """`other_admins`: active ones beside the target. Raises FailedPrecondition LAST_ADMIN."""
    if target.role is Role.ADMIN and target.profile.state is AccountState.ACTIVE and not other_admins:
        raise FailedPrecondition("LAST_ADMIN", "there would be no administrator left")


def check_actor(actor: Actor) -> None:
    """Raises PermissionDenied NOT_ALLOWED."""
    named = bool(actor.operator)
    fits = len(actor.operator) <= MAX_OPERATOR and _OPERATOR.fullmatch(actor.operator) if named else True
    if named == (actor.account_id > 0) or not fits:
        raise not_allowed()


def check_entry(entry: Entry) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if not _ACTION.fullmatch(entry.action) or len(entry.action) > MAX_OPERATOR:
        raise _invalid("/action", "lower-case words with dots between them")
    if not entry.reason.strip() or len(entry.reason) > MAX_REASON or names.plain(entry.reason) != entry.reason:
        raise _invalid("/reason", f"1 to {MAX_REASON} characters")
    if len(entry.details) > MAX_DETAILS or any(len(k) + len(v) > MAX_REASON for k, v in entry.details.items()):
        raise _invalid("/details", "too much")


def not_allowed() -> PermissionDenied:
    return PermissionDenied("NOT_ALLOWED", "the account's role does not allow this")


def factor_required() -> PermissionDenied:
    return PermissionDenied("SECOND_FACTOR_REQUIRED", "whoever does this needs a second factor: add one first")


def own_account() -> FailedPrecondition:
    return FailedPrecondition("OWN_ACCOUNT", "nobody does this to themself")


def _invalid(pointer: str, reason: str) -> InvalidArgument:
    return InvalidArgument("INVALID_FIELD", f"{pointer[1:]}: {reason}", fields=[FieldViolation(pointer, reason)])
