"""The one error type that crosses service borders.

A service raises a DomainError; kit.server carries it as a gRPC status, kit.client raises the same class again, and the
gateway turns it into a problem document. Needs the standard library only: every model imports this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from kit.drivers import backend_down, lost_race, statement_timed_out


@dataclass(frozen=True)
class FieldViolation:
    """One faulty field. `field` is a JSON pointer such as "/media_ids/0"."""

    field: str
    reason: str


class DomainError(Exception):
    """What a caller may know of a failure.

    `reason` is a stable SCREAMING_SNAKE word that clients match on, `message` is safe to show to anyone, `retry_after`
    is in seconds. Raise one of the subclasses: each stands for one gRPC status code.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        fields: Sequence[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.fields = tuple(fields)
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))
        self.retry_after = retry_after


class InvalidArgument(DomainError):
    """The request is wrong whatever the state of the system."""


class Unauthenticated(DomainError):
    """Who is calling is not known."""


class PermissionDenied(DomainError):
    """The caller is known and may not."""


class NotFound(DomainError):
    """There is no such thing, or the caller may not know that there is."""


class AlreadyExists(DomainError):
    """What the request would make is there already."""


class Aborted(DomainError):
    """The request lost against another one: the same request may succeed now."""


class FailedPrecondition(DomainError):
    """The system's state forbids the request until someone changes that state."""


class ResourceExhausted(DomainError):
    """The caller used up a quota or a rate."""


class Unavailable(DomainError):
    """Something that is needed is down: try again later."""


class DeadlineExceeded(DomainError):
    """The answer did not come in time; whether it took effect is not known."""


class Internal(DomainError):
    """A bug. The message is always the same, the cause is in the log."""


def from_exception(error: BaseException) -> DomainError | None:
    """The DomainError that stands for `error`: itself, or what a driver's error means. None when it is a bug.

    An exception group counts when every one of its members does; the first speaks for all.
    """
    if isinstance(error, DomainError):
        return error
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        members = [from_exception(member) for member in group.exceptions]
        return members[0] if all(members) else None
    if backend := backend_down(error):
        return Unavailable(f"{backend}_UNAVAILABLE", "a backing service is not available", retry_after=1)
    if lost_race(error):
        return Aborted("CONFLICT", "another request changed the same thing, try again")
    if statement_timed_out(error):
        return DeadlineExceeded("POSTGRES_TIMEOUT", "a backing service took too long")
    return None
