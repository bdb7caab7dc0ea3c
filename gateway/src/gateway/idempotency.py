"""Idempotency-Key: what a repeated POST is told.

A record in Redis per caller, route and key holds the lock of the request that is under way, then its answer for a day.
The key also gives the id under which services keep what is created, so that a repeat creates nothing twice even when
Redis is empty or this process died in between.
"""

import hashlib
import uuid
from dataclasses import dataclass
from math import ceil
from typing import cast

import msgspec
from kit import log
from kit.errors import Unavailable, from_exception
from redis.asyncio import Redis
from starlette.responses import Response

from gateway.errors import Refusal

LONGEST_KEY = 255
_KEPT_SECONDS = 24 * 3600
_KEPT_HEADERS = ("content-type", "location", "etag", "cache-control", "link")
_LARGEST_KEPT = 256 * 1024
# Refused before anything was done, or an invitation to try again: the next attempt starts afresh.
_NOT_KEPT = frozenset({400, 401, 408, 409, 413, 415, 422, 429})

logger = log.get(__name__)


class Record(msgspec.Struct, frozen=True):
    """`owner` is set while the request is under way."""

    fingerprint: str
    owner: str = ""
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""


@dataclass(frozen=True)
class Scope:
    """`caller` is an account or an address, `route` a method and a path."""

    caller: str
    route: str
    key: str

    @property
    def record_key(self) -> str:
        return f"gateway:once:{self._digest().hex()}"

    @property
    def creation_id(self) -> str:
        return str(uuid.UUID(bytes=self._digest()[:16]))

    def _digest(self) -> bytes:
        return hashlib.sha256("\n".join((self.caller, self.route, self.key)).encode()).digest()


# A record changes hands only while it is still the owner's.
_SETTLE = """
local record = redis.call('GET', KEYS[1])
if record and record ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1
"""


class Claim:
    """The right to carry the request out."""

    def __init__(self, records: "Records", scope: Scope, held: bytes | None) -> None:
        self._records, self._scope, self._held = records, scope, held

    async def settle(self, response: Response, fingerprint: str | None = None) -> None:
        """Keeps the answer, or lets go of the key when the answer is not one to repeat."""
        if self._held is not None:
            held = msgspec.msgpack.decode(self._held, type=Record)
            record = _kept(response, fingerprint or held.fingerprint)
            await self._records.settle(self._scope, self._held, record)

    async def release(self) -> None:
        if self._held is not None:
            await self._records.settle(self._scope, self._held, None)


class Records:
    """While Redis is away every request is carried out, and the services alone tell a repeated one. `key` is a secret,
    the same on all instances."""

    def __init__(self, redis: Redis, key: bytes) -> None:
        self._redis = redis
        self._settle = redis.register_script(_SETTLE)
        self._key = hashlib.sha256(b"idempotency\n" + key).digest()

    def fingerprint(self, body: bytes) -> str:
        """Of no use to whoever reads Redis: bodies hold passwords, which could be tried against it."""
        return hashlib.blake2b(body, digest_size=16, key=self._key).hexdigest()

    async def claim(self, scope: Scope, fingerprint: str, seconds: float) -> Claim | Response:
        """The claim for at most `seconds`, or the answer that was kept. Raises Refusal 422 when the key was used with
        another body, 409 while the first request is under way."""
        record = Record(fingerprint, owner=str(uuid.uuid4()))
        held = msgspec.msgpack.encode(record)
        try:
            found = await self._put(scope, held, seconds)
        except Exception as error:  # noqa: BLE001 raised again unless it is an outage
            _only_outages(error)
            return Claim(self, scope, None)
        return Claim(self, scope, held) if found is None else _repeat(found, fingerprint)

    async def settle(self, scope: Scope, held: bytes, record: Record | None) -> None:
        kept = msgspec.msgpack.encode(record) if record else b""
        try:
            await self._settle(keys=[scope.record_key], args=[held, kept, _KEPT_SECONDS])
        except Exception as error:  # noqa: BLE001 raised again unless it is an outage
            _only_outages(error)

    async def _put(self, scope: Scope, held: bytes, seconds: float) -> Record | None:
        """None when the record is ours now; otherwise the one that is there."""
        for _ in range(3):
            if await self._redis.set(scope.record_key, held, nx=True, px=ceil(seconds * 1000)):
                return None
            raw = await self._redis.get(scope.record_key)
            if raw == held:  # the first attempt to write it was heard, its answer was not
                return None
            if raw:
                return _decode(raw)
        raise Unavailable("REDIS_UNAVAILABLE", "a backing service is not available", retry_after=1)


def _decode(raw: bytes | str) -> Record:
    return msgspec.msgpack.decode(cast("bytes", raw), type=Record)


def read_key(values: list[str]) -> str | None:
    """The one value of the header. Raises Refusal 422 for one that cannot be a key."""
    if not values:
        return None
    key = values[0]
    if len(values) > 1 or not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Refusal(
            422, "BAD_IDEMPOTENCY_KEY", f"Idempotency-Key is one value of 1 to {LONGEST_KEY} printable ASCII characters"
        )
    return key


def replay(record: Record) -> Response:
    return Response(record.body, record.status, {**record.headers, "Idempotency-Replayed": "true"})


def reused() -> Refusal:
    return Refusal(422, "IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key came with another body before")


def _repeat(record: Record, fingerprint: str) -> Response:
    if record.fingerprint != fingerprint:
        raise reused()
    if record.owner:
        raise Refusal(
            409,
            "IDEMPOTENCY_KEY_IN_FLIGHT",
            "the first request with this Idempotency-Key is still under way",
            headers={"Retry-After": "1"},
        )
    return replay(record)


def _kept(response: Response, fingerprint: str) -> Record | None:
    if response.status_code >= 500 or response.status_code in _NOT_KEPT or len(response.body) > _LARGEST_KEPT:
        return None
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Record(fingerprint, status=response.status_code, headers=headers, body=bytes(response.body))


def _only_outages(error: Exception) -> None:
    if not isinstance(from_exception(error), Unavailable):
        raise error
    logger.warning("idempotency rests on the services alone", reason="REDIS_UNAVAILABLE")
