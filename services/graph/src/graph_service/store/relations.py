"""Relations through a cache in Redis: a hash a viewer, a field an account, a number a value: flags, and a mute's end.

A hash a viewer, because a read asks for many accounts of one viewer: one command, whatever the number. Accounts without
any relation are cached too: most are strangers. A mute with an end ends by itself, whoever reads it from wherever.

A change is written through in two steps: its two fields are taken out, then filled with what the truth says by then.
Two changes of a pair may reach Redis in another order than they were committed in, so no change writes what it knew
itself, and what is absent cannot be wrong. Three guards keep an old relation from being seen after the change of it was
answered:
- Refill: who finds something missing gets the hash's token, reads Postgres, and may fill only while the token is still
  that. A change removes the token with the fields; tokens are random, so none comes twice.
- Restart: a hash names the run of the Redis process that it was made in. What a restart or a failover brings back from
  older days is dropped when first seen.
- Unreachable: see switch.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta

from kit import log
from kit.cache import LOOKUPS
from redis.asyncio import Redis
from redis.exceptions import RedisError

from graph_service.model.relations import Relation
from graph_service.store.switch import Switch

_TTL_SECONDS = 3600
_TOKEN = "token"  # noqa: S105 not a secret

# KEYS: the hash. ARGV: a new token, time to live, accounts. Answers run id, token and a value an account.
_READ = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local found = redis.call('HMGET', KEYS[1], 'run', 'token', unpack(ARGV, 3))
if found[1] ~= run then
    for place = 1, #found do found[place] = false end
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'run', run)
    redis.call('EXPIRE', KEYS[1], ARGV[2])
end
if not found[2] then
    found[2] = ARGV[1]
    redis.call('HSET', KEYS[1], 'token', ARGV[1])
end
return found
"""
# KEYS: the hash. ARGV: the token that the reader got, then accounts and values.
_FILL = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
"""

_FLAGS = tuple(field.name for field in fields(Relation) if field.type is bool)
_UNTIL_PLACE = 16
"""Above the flags: the milliseconds at which a mute ends. 0 for never."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_HITS, _MISSES = (LOOKUPS.labels("graph:relations", outcome) for outcome in ("hit", "miss"))

Load = Callable[[int, Sequence[int]], Awaitable[dict[int, Relation]]]

logger = log.get(__name__)


class Relations:
    """`load` reads relations from the truth, one for each of the ids."""

    def __init__(
        self,
        load: Load,
        redis: Redis,
        switch: Switch,
        *,
        now: Callable[[], datetime],
        random: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._load = load
        self._redis = redis
        self._switch = switch
        self._now = now
        self._random = random
        self._read = redis.register_script(_READ)
        self._fill = redis.register_script(_FILL)

    async def get(self, viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
        """One for each of the ids, as of now: for authorisation too."""
        epoch = await self._switch.epoch() if ids else None
        if epoch is None:
            return await self._load(viewer_id, ids) if ids else {}
        key = _key(epoch, viewer_id)
        try:
            _, token, *values = await self._read(keys=[key], args=[self._random(), _TTL_SECONDS, *ids])
        except RedisError as error:
            logger.warning("relations read past the cache", error=repr(error))
            return await self._load(viewer_id, ids)
        now = self._now()
        found = {user_id: _decode(user_id, value).at(now) for user_id, value in zip(ids, values, strict=True) if value}
        missing = [user_id for user_id in ids if user_id not in found]
        _HITS.inc(len(found))
        _MISSES.inc(len(missing))
        if missing:
            loaded = await self._load(viewer_id, missing)
            await self._refill(key, token, loaded)
            found |= loaded
        return found

    async def renew(self, one_id: int, other_id: int) -> None:
        """To be called after a commit and before its answer. When it returns, nobody gets to see what was before, and
        what is now is cached on both sides if Redis works."""
        if await self.forget(one_id, other_id):
            await asyncio.gather(self.get(one_id, [other_id]), self.get(other_id, [one_id]))

    async def forget(self, one_id: int, other_id: int) -> bool:
        """Takes out what was before; nobody gets to see it any more. Answers whether Redis took part in it."""
        state = await self._switch.state()
        if state.believed:
            try:
                await self._drop(state.epoch, one_id, other_id)
                return True
            except RedisError as error:
                logger.warning("relation not dropped from the cache", error=repr(error))
                state = await self._switch.turn_off(state.epoch)
        await self._switch.noticed(state)
        return False

    async def forget_all(self, viewer_id: int) -> None:
        """Takes out what the viewer was seen as asking for, of an account that nobody can act for any more. Raises
        RedisError."""
        state = await self._switch.state()
        await self._redis.delete(_key(state.epoch, viewer_id))

    async def _drop(self, epoch: int, one_id: int, other_id: int) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hdel(_key(epoch, one_id), _TOKEN, str(other_id))
            pipe.hdel(_key(epoch, other_id), _TOKEN, str(one_id))
            await pipe.execute()

    async def _refill(self, key: str, token: bytes, loaded: Mapping[int, Relation]) -> None:
        pairs = [part for user_id, relation in loaded.items() for part in (user_id, _encode(relation))]
        try:
            await self._fill(keys=[key], args=[token, *pairs])
        except RedisError as error:
            logger.warning("relations not cached", error=repr(error))


async def answers(redis: Redis) -> bool:
    """Whether Redis takes writes, too: one that is full or a replica does not."""
    try:
        await redis.set("graph:relations:probe", 1, ex=60)
    except RedisError:
        return False
    return True


def _key(epoch: int, viewer_id: int) -> str:
    return f"graph:relations:{epoch}:{{{viewer_id}}}"


def _encode(relation: Relation) -> int:
    until = (relation.muted_until - _EPOCH) // _MILLISECOND if relation.muted_until else 0
    return sum(1 << place for place, flag in enumerate(_FLAGS) if getattr(relation, flag)) | until << _UNTIL_PLACE


def _decode(user_id: int, value: bytes) -> Relation:
    bits = int(value)
    until = bits >> _UNTIL_PLACE
    flags = {flag: bool(bits >> place & 1) for place, flag in enumerate(_FLAGS)}
    return Relation(user_id, **flags, muted_until=_EPOCH + until * _MILLISECOND if until else None)
