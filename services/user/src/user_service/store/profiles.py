"""Cached profiles: written through by whoever changes one, guarded by their version against late writers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from kit.cache import Cache
from kit.errors import Unavailable
from kit.hotredis import HotRedis
from redis.asyncio import Redis

from user_service.model.accounts import Profile

Load = Callable[[Sequence[int]], Awaitable[Mapping[int, Profile]]]


class ProfileCache:
    """An entry is never replaced by an older one. Without Redis everything is loaded."""

    def __init__(
        self,
        redis: Redis,
        encode: Callable[[Profile], bytes],
        decode: Callable[[bytes], Profile],
        seconds: float,
        hot: HotRedis | None = None,
    ) -> None:
        self._encode, self._decode = encode, decode
        self._cache = Cache[bytes](redis, "user:profile", bytes, bytes, seconds, hot=hot)

    async def get_many(self, ids: Sequence[int], load: Load) -> dict[int, Profile]:
        """In the order of the ids; what is not cached is loaded, and cached."""
        return {user_id: self._decode(found) for user_id, found in (await self.encoded(ids, load)).items()}

    async def encoded(self, ids: Sequence[int], load: Load) -> dict[int, bytes]:
        """The same, for those who only pass them on."""

        async def load_and_put(missing: Sequence[int]) -> Mapping[int, bytes]:
            # Under their versions, which the cache itself does not know: else a late put of an older version would win
            # over what was loaded.
            loaded = await load(missing)
            await self._put_all(loaded.values())
            return {user_id: self._encode(profile) for user_id, profile in loaded.items()}

        return await self._cache.get_many(ids, load_and_put)

    async def put(self, profile: Profile) -> None:
        """Without Redis nothing happens: the change's event comes as well, and what it tells is put surely."""
        await self._put_all([profile])

    async def put_surely(self, profile: Profile) -> None:
        """Raises Unavailable REDIS_UNAVAILABLE when the entry is not there afterwards, this version or a later one."""
        await self.put(profile)
        kept = await self._cache.get(profile.id, _nothing)
        if kept is None or self._decode(kept).version < profile.version:
            raise Unavailable("REDIS_UNAVAILABLE", "a backing service is not available", retry_after=1)

    async def drop(self, user_id: int) -> None:
        """Of an account that is gone. Without Redis nothing happens: entries end by themselves."""
        await self._cache.drop(user_id)

    async def _put_all(self, profiles: Iterable[Profile]) -> None:
        await asyncio.gather(
            *(self._cache.put(profile.id, self._encode(profile), profile.version) for profile in profiles)
        )


async def _nothing(_ids: Sequence[int]) -> Mapping[int, bytes]:
    return {}
