"""Cached profiles: written through by whoever changes one, guarded by their version against late writers."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kit import log
from redis.asyncio import Redis
from redis.exceptions import RedisError

from user_service.model.accounts import AccountState, Profile

Load = Callable[[Sequence[int]], Awaitable[Mapping[int, Profile]]]

# Versions are digits of fixed width in front of the value: Lua's numbers lose the low bits of large ones, and strings
# of equal width compare as the numbers do.
_PUT = """
if redis.call('getrange', KEYS[1], 0, #ARGV[1] - 1) > ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1] .. ARGV[2], 'ex', ARGV[3])
return 1
"""
_WIDTH = 19

logger = log.get(__name__)


class ProfileCache:
    """An entry is never replaced by an older one. Entries live `seconds`."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis, self._seconds = redis, seconds
        self._put = redis.register_script(_PUT)

    async def get_many(self, ids: Sequence[int], load: Load) -> dict[int, Profile]:
        """In the order of the ids; what is not cached is loaded, and cached. Without Redis all is loaded."""
        cached = await self._cached(ids)
        missing = [id_ for id_ in ids if id_ not in cached]
        if not missing:
            return cached
        loaded = await load(missing)
        for profile in loaded.values():
            await self.put(profile)
        found = {**cached, **loaded}
        return {id_: found[id_] for id_ in ids if id_ in found}

    async def put(self, profile: Profile) -> None:
        """Without Redis nothing happens: the change's event comes as well, and what it tells is put surely."""
        try:
            await self.put_surely(profile)
        except RedisError as error:
            logger.warning("profile not cached", error=str(error))

    async def put_surely(self, profile: Profile) -> None:
        """Raises the driver's errors."""
        await self._put(keys=[_key(profile.id)], args=[f"{profile.version:0{_WIDTH}}", _encode(profile), self._seconds])

    async def _cached(self, ids: Sequence[int]) -> dict[int, Profile]:
        if not ids:
            return {}
        try:
            values = await self._redis.mget([_key(id_) for id_ in ids])
        except RedisError as error:
            logger.warning("profiles read without the cache", error=str(error))
            return {}
        return {id_: _decode(value) for id_, value in zip(ids, values, strict=True) if value}


def _key(user_id: int) -> str:
    return f"user:profile:{{{user_id}}}"


def _encode(profile: Profile) -> str:
    return json.dumps({**asdict(profile), "created_at": profile.created_at.isoformat()})


def _decode(value: bytes | str) -> Profile:
    fields: dict[str, Any] = json.loads(value[_WIDTH:])
    state, created_at = AccountState(fields.pop("state")), datetime.fromisoformat(fields.pop("created_at"))
    return Profile(**fields, state=state, created_at=created_at)
