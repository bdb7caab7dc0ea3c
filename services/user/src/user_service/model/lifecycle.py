"""What an account takes with it, and how it goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from kit.errors import FailedPrecondition, NotFound, ResourceExhausted

MAX_ATTEMPTS = 5
ARCHIVE_NAME = "heliograph-export.zip"
SWEEPS_AFTER = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=8))
"""When an erased account is looked for once more. The last is after everything told of it in Kafka is gone."""


class ExportState(IntEnum):
    WAITING = 1
    COLLECTING = 2
    READY = 3
    FAILED = 4
    EXPIRED = 5


@dataclass(frozen=True)
class Export:
    """`progress` is per cent. `object_key` is where the archive is or will be; empty before anybody works on it."""

    id: int
    user_id: int
    state: ExportState
    progress: int
    attempts: int
    object_key: str
    bytes: int
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None

    @property
    def under_way(self) -> bool:
        return self.state in {ExportState.WAITING, ExportState.COLLECTING}


@dataclass(frozen=True)
class Link:
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class Erasure:
    """`sweeps` have been made since everything was erased."""

    user_id: int
    erased_at: datetime | None
    sweeps: int


@dataclass(frozen=True)
class AccountErased:
    user_id: int
    erased_at: datetime


def next_sweep(done: int, now: datetime) -> datetime | None:
    """None when no more follow. Each counts from the one before."""
    return now + SWEEPS_AFTER[done] if done < len(SWEEPS_AFTER) else None


def check_pause(newest: Export | None, pause: timedelta, now: datetime) -> None:
    """Raises ResourceExhausted TOO_MANY_EXPORTS. One that failed is no reason to wait."""
    if newest is None or newest.state is ExportState.FAILED or newest.requested_at + pause <= now:
        return
    raise ResourceExhausted(
        "TOO_MANY_EXPORTS",
        "an archive was made a short time ago",
        retry_after=(newest.requested_at + pause - now).total_seconds(),
    )


def export_not_found() -> NotFound:
    return NotFound("EXPORT_NOT_FOUND", "no export was asked for")


def admin_account() -> FailedPrecondition:
    return FailedPrecondition("ADMIN_ACCOUNT", "give the account's role away first")
