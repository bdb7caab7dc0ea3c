"""This service's errors, one function each."""

from collections.abc import Sequence
from datetime import UTC, datetime

from kit.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)


def invalid_field(field: str, reason: str) -> InvalidArgument:
    """`field` is a JSON pointer."""
    return invalid_fields([FieldViolation(field, reason)])


def invalid_fields(faults: Sequence[FieldViolation]) -> InvalidArgument:
    return InvalidArgument("INVALID_FIELD", "some fields are not valid", fields=faults)


def taken(*, username: bool, email: bool) -> AlreadyExists:
    """At least one of the two is."""
    fields = [FieldViolation("/username", "taken")] if username else []
    fields += [FieldViolation("/email", "taken")] if email else []
    if username:
        return AlreadyExists("USERNAME_TAKEN", "the username is taken", fields=fields)
    return AlreadyExists("EMAIL_TAKEN", "the e-mail address is taken", fields=fields)


def user_not_found() -> NotFound:
    """In the words that a hidden account is answered with: the two must not be told apart."""
    return NotFound("USER_NOT_FOUND", "there is no such user")


def session_not_found() -> NotFound:
    return NotFound("SESSION_NOT_FOUND", "there is no such session")


def etag_mismatch() -> Aborted:
    return Aborted("ETAG_MISMATCH", "the account has changed since it was read")


def settings_changed() -> Aborted:
    return Aborted("ETAG_MISMATCH", "the settings have changed since they were read")


def too_many_ids(limit: int) -> InvalidArgument:
    return InvalidArgument("TOO_MANY_IDS", f"at most {limit} at once")


def bad_page_token() -> InvalidArgument:
    return InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")


def bad_credentials() -> Unauthenticated:
    return Unauthenticated("BAD_CREDENTIALS", "the login or the password is wrong")


def bad_ticket() -> Unauthenticated:
    return Unauthenticated("BAD_TICKET", "the ticket is not valid, or no longer: log in again")


def bad_second_factor() -> Unauthenticated:
    return Unauthenticated("BAD_SECOND_FACTOR", "the second factor is wrong")


def account_suspended() -> PermissionDenied:
    """To whoever has proved to be its owner, and nobody else."""
    return PermissionDenied("ACCOUNT_SUSPENDED", "the account is suspended")


def deletion_pending(delete_after: datetime) -> PermissionDenied:
    """As account_suspended. The date is when the account will be erased."""
    told = delete_after.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return PermissionDenied(
        "ACCOUNT_DELETION_PENDING",
        f"the account will be erased after {told}: log in with cancel_deletion to keep it",
        metadata={"delete_after": told},
    )


def too_many_attempts(retry_after: float) -> ResourceExhausted:
    return ResourceExhausted("TOO_MANY_ATTEMPTS", "too many attempts: wait a while", retry_after=retry_after)


def bad_refresh_token() -> Unauthenticated:
    return Unauthenticated("BAD_REFRESH_TOKEN", "the refresh token is not valid")


def session_revoked() -> Unauthenticated:
    return Unauthenticated("SESSION_REVOKED", "the session has been ended")


def refresh_in_progress() -> Aborted:
    return Aborted("REFRESH_IN_PROGRESS", "another refresh of this session has just happened: use its tokens")


def hashing_busy() -> Unavailable:
    return Unavailable("OVERLOADED", "too many log-ins at this moment", retry_after=1)


def wrong_state(state: str) -> FailedPrecondition:
    """`state` is the word for the one that the account is in."""
    return FailedPrecondition(
        "WRONG_ACCOUNT_STATE", f"the account is {state.lower()}", metadata={"state": state.lower()}
    )
