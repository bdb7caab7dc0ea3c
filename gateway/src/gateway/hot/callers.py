"""Who is asking and what limits them, remembered for as long as a token lives: what the gate finds out afresh for every
request."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from kit.quotas import Bucket, Verdict
from starlette.types import Scope

from gateway.addresses import client_address
from gateway.auth import Authenticator, Viewer
from gateway.gate import owners
from gateway.limits import Quotas, RouteClass, buckets_for, policy_of
from gateway.settings import Network

_BEARER = b"Bearer "
_MOST_KEPT = 20_000
_LONGEST, _LONGEST_FORWARDED = 4_200, 256  # bytes

Headers = Mapping[bytes, bytes]
_Key = tuple[bytes, str | None, bytes | None]


class Caller:
    """Somebody who may read, the buckets that their reads take from, and the header about these. `take` takes from the
    buckets."""

    __slots__ = ("buckets", "policy", "take", "viewer")

    def __init__(self, viewer: Viewer, buckets: tuple[Bucket, ...]) -> None:
        self.viewer, self.buckets, self.policy = viewer, buckets, policy_of(buckets)
        self.take: Callable[[], Callable[[], Awaitable[Verdict]]] | None = None


class Callers:
    """People whose token was checked before. Whether it is still good is asked each time."""

    def __init__(self, authenticator: Authenticator, quotas: Quotas, trusted: tuple[Network, ...]) -> None:
        self._authenticator, self._quotas, self._trusted = authenticator, quotas, trusted
        self._known: OrderedDict[_Key, Caller] = OrderedDict()

    def of(self, scope: Scope, headers: Headers) -> Caller | None:
        """None for everybody else: the application finds out, and says what is wrong."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            return None
        client, forwarded = scope.get("client"), headers.get(b"x-forwarded-for")
        if len(authorization) > _LONGEST or (forwarded is not None and len(forwarded) > _LONGEST_FORWARDED):
            return None  # what is remembered by them must stay small
        key = (authorization, client[0] if client else None, forwarded)
        caller = self._known.get(key)
        if caller is None:
            return self._learn(key)
        return caller if self._authenticator.is_valid(caller.viewer) else None

    def _learn(self, key: _Key) -> Caller | None:
        authorization, peer, forwarded = key
        if not authorization.startswith(_BEARER):
            return None
        viewer = self._authenticator.known(authorization[len(_BEARER) :].decode("latin-1"))
        if viewer is None or not viewer.is_person or "read" not in viewer.scopes:
            return None
        address = client_address(peer, [forwarded.decode("latin-1")] if forwarded is not None else [], self._trusted)
        buckets = buckets_for(self._quotas, RouteClass.READ, owners(viewer, address))
        caller = self._known[key] = Caller(viewer, tuple(buckets))
        if len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return caller
