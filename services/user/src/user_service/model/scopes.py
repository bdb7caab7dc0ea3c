"""What a token may be good for."""

from collections.abc import Iterable

from user_service.model.accounts import Role

OWN_SCOPES = ("read", "write", "follow", "push", "account")
"""Of those who log in themselves, in a client of ours. No app of other people's ever gets `account`: it is what changes
who may come in."""

APP_SCOPES = ("read", "write", "follow", "push", "email")
"""What apps of other people's can be given. `email` shows them the account's address."""

_BY_ROLE = {Role.MEMBER: (), Role.MODERATOR: ("moderate",), Role.ADMIN: ("moderate", "admin")}


def scopes_of(role: Role) -> tuple[str, ...]:
    """Of a session in a client of our own."""
    return (*OWN_SCOPES, *_BY_ROLE[role])


def still_granted(scopes: Iterable[str], role: Role) -> tuple[str, ...]:
    """Of what a session was given: an account that lost its role lost that role's scopes with it."""
    allowed = {*scopes_of(role), *APP_SCOPES}
    return tuple(scope for scope in scopes if scope in allowed)
