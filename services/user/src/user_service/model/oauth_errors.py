"""Errors of apps and of the authorization endpoint, one function each."""

from kit.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, Unauthenticated


def app_not_found() -> NotFound:
    return NotFound("APP_NOT_FOUND", "there is no such app")


def too_many_apps(limit: int) -> ResourceExhausted:
    return ResourceExhausted("TOO_MANY_APPS", f"an account has at most {limit} apps")


def public_app() -> FailedPrecondition:
    return FailedPrecondition("APP_IS_PUBLIC", "a public app has no secret")


def bad_authorization_request(why: str) -> InvalidArgument:
    """To be shown to the person, who cannot be sent anywhere."""
    return InvalidArgument("BAD_AUTHORIZATION_REQUEST", why)


def browser_not_logged_in() -> Unauthenticated:
    return Unauthenticated("BROWSER_NOT_LOGGED_IN", "nobody is logged in in this browser")
