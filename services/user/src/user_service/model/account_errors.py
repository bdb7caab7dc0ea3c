"""Errors of names, addresses, passwords and letters, one function each."""

from kit.errors import AlreadyExists, FieldViolation, InvalidArgument, PermissionDenied, ResourceExhausted


def username_taken() -> AlreadyExists:
    return AlreadyExists("USERNAME_TAKEN", "the username is taken", fields=[FieldViolation("/username", "taken")])


def username_like_another() -> AlreadyExists:
    fields = [FieldViolation("/username", "looks like a username that is taken")]
    return AlreadyExists("USERNAME_TAKEN", "somebody has a username that looks like it", fields=fields)


def username_changed_too_often(retry_after: float) -> ResourceExhausted:
    return ResourceExhausted(
        "USERNAME_CHANGED_TOO_OFTEN", "the username has been changed too often lately", retry_after=retry_after
    )


def email_taken() -> AlreadyExists:
    """To whoever has proved that they read this address, and nobody else."""
    fields = [FieldViolation("/email", "taken")]
    return AlreadyExists("EMAIL_TAKEN", "the address belongs to another account", fields=fields)


def email_not_verified() -> PermissionDenied:
    """To whoever knows the account's password, and nobody else."""
    return PermissionDenied("EMAIL_NOT_VERIFIED", "follow the link in the letter to your e-mail address first")


def bad_letter_token() -> InvalidArgument:
    fields = [FieldViolation("/token", "not valid, or not any more")]
    return InvalidArgument("BAD_TOKEN", "the link is not valid, or not any more: ask for a new one", fields=fields)
