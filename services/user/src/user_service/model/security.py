"""What happens to an account's security: the log that its owner reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Device:
    """Where a call comes from, as far as the gateway can tell. `name` is what the client calls itself, `token` what it
    was given at an earlier log-in."""

    address: str = ""
    user_agent: str = ""
    name: str = ""
    token: str = field(default="", repr=False)


class Kind(StrEnum):
    LOGGED_IN = "logged_in"
    LOG_IN_FAILED = "log_in_failed"
    CONFIRMATION_FAILED = "confirmation_failed"
    LOGGED_OUT = "logged_out"
    SESSIONS_ENDED = "sessions_ended"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 the name of a kind
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 the name of a kind
    PASSWORD_RESET = "password_reset"  # noqa: S105 the name of a kind
    PASSWORD_RESET_REQUESTED = "password_reset_requested"  # noqa: S105 the name of a kind
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_VERIFIED = "email_verified"
    USERNAME_CHANGED = "username_changed"
    TOTP_ADDED = "totp_added"
    TOTP_REMOVED = "totp_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_CLONE_SUSPECTED = "passkey_clone_suspected"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_RESET = "second_factor_reset"
    APP_CREATED = "app_created"
    APP_DELETED = "app_deleted"
    APP_SECRET_RENEWED = "app_secret_renewed"  # noqa: S105 the name of a kind
    APP_AUTHORISED = "app_authorised"
    APP_REMOVED = "app_removed"
    CODE_REUSED = "code_reused"
    EXPORT_REQUESTED = "export_requested"
    EXPORT_DOWNLOADED = "export_downloaded"
    DELETION_REQUESTED = "deletion_requested"
    DELETION_CANCELLED = "deletion_cancelled"
    SUSPENDED = "suspended"
    RESTORED = "restored"
    ROLE_CHANGED = "role_changed"


@dataclass(frozen=True)
class SecurityEvent:
    """`details` are small and never secret."""

    user_id: int
    kind: Kind
    device: Device = Device()
    session_id: int | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Repeated:
    """So many events of one kind, of which only the last device is told. `by_address`: the account was meant by its
    e-mail address, which may be somebody else's until it is confirmed."""

    user_id: int
    kind: Kind
    device: Device
    attempts: int
    by_address: bool = False


@dataclass(frozen=True)
class LoggedEvent:
    """As it was recorded. `session_id` is 0 when it was of none."""

    id: int
    kind: str
    device: Device
    session_id: int
    details: Mapping[str, str]
    created_at: datetime
