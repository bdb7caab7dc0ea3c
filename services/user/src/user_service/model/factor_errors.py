"""Errors of second factors, one function each."""

from kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied


def second_factor_required() -> PermissionDenied:
    return PermissionDenied("SECOND_FACTOR_REQUIRED", "this needs a proof of one of the account's second factors")


def bad_registration() -> InvalidArgument:
    return InvalidArgument("BAD_PASSKEY_REGISTRATION", "the new passkey cannot be verified")


def passkey_taken() -> AlreadyExists:
    return AlreadyExists("PASSKEY_TAKEN", "the passkey is known already")


def too_many_passkeys(limit: int) -> FailedPrecondition:
    return FailedPrecondition("TOO_MANY_PASSKEYS", f"an account has at most {limit} passkeys")


def passkey_not_found() -> NotFound:
    return NotFound("PASSKEY_NOT_FOUND", "there is no such passkey")


def totp_on_already() -> FailedPrecondition:
    return FailedPrecondition("TOTP_ON_ALREADY", "codes of an app are on already: turn them off first")


def totp_not_pending() -> FailedPrecondition:
    return FailedPrecondition("TOTP_NOT_PENDING", "no new secret waits for its first code")


def totp_not_found() -> NotFound:
    return NotFound("TOTP_NOT_FOUND", "codes of an app are not on")


def no_factor() -> FailedPrecondition:
    return FailedPrecondition("NO_SECOND_FACTOR", "recovery codes stand in for a second factor, and there is none")
