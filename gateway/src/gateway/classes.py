"""Which limits a request counts against: told before any routing, by its method and path."""

from collections.abc import Iterable

from starlette.routing import compile_path

from gateway.limits import RouteClass
from gateway.routing import Auth, Endpoint

_EXEMPT = frozenset({"/healthz", "/readyz"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
AVATAR_PATH = "/v1/me/avatar"
_UPLOADS = frozenset({"/v1/media", "/v1/media/upload"})


def guards_entry(endpoint: Endpoint) -> bool:
    """Whether it takes what could be guessed: who is not known yet sends it, or it changes who may come in."""
    policy = endpoint.policy
    open_to_guesses = policy.auth is Auth.OPEN and not policy.unguessable
    return endpoint.method not in _READING and (open_to_guesses or policy.scope == "account")


class Classes:
    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        guarded = [endpoint for endpoint in endpoints if guards_entry(endpoint)]
        self._plain = {(one.method, one.path) for one in guarded if "{" not in one.path}
        self._patterns = [(one.method, compile_path(one.path)[0]) for one in guarded if "{" in one.path]

    def of(self, method: str, path: str) -> RouteClass | None:
        """None for what is not limited."""
        if path in _EXEMPT:
            return None
        if path.startswith("/media/"):
            return RouteClass.MEDIA
        if method in _READING:
            return RouteClass.READ
        if method == "PUT" and path == AVATAR_PATH:
            return RouteClass.AVATAR
        if self._guards_entry(method, path):
            return RouteClass.AUTH
        return RouteClass.UPLOAD if method == "POST" and path in _UPLOADS else RouteClass.WRITE

    def _guards_entry(self, method: str, path: str) -> bool:
        matching = (pattern for verb, pattern in self._patterns if verb == method)
        return (method, path) in self._plain or any(pattern.match(path) for pattern in matching)
