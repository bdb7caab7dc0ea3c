"""Counters that answer at once, count each change once and heal by themselves.

The living numbers are in Redis. A flush saves those that changed to a table, about every second; when Redis lost them
they are loaded from there. A reconciler compares what has been quiet for some seconds with the exact rows, corrects it
and shows the drift, which should stay 0.

The keys of an entity carry its id as hash tag. `name:dirty` (by version) is what the flush has to save, `name:check`
(by time) what the reconciler has to compare.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit import counter_scripts, log
from kit.hotredis import HotRedis
from kit.outage import outlast

Numbers = Mapping[str, int]
Read = Callable[[Sequence[int]], Awaitable[Mapping[int, Numbers]]]
Save = Callable[[Mapping[int, Numbers]], Awaitable[None]]

DRIFT = Counter("heliograph_counter_drift_total", "By how much numbers were wrong when compared", ["name", "field"])
DIRTY = Gauge("heliograph_counters_dirty", "Entities whose numbers are not saved yet", ["name"])

_APPLIED_SECONDS = 900
_KEPT_SECONDS = 86_400
_FLUSH_BATCH = 500
_CHECK_BATCH = 500
_ANY_VERSION = 1 << 62
_LEASE_MS = 10_000
_SAVE_SECONDS = 8.0

logger = log.get(__name__)


@dataclass(frozen=True)
class _State:
    """An entity's numbers at a version."""

    version: int
    numbers: dict[str, int]


class Counters:
    """`load` reads the saved numbers, `save` upserts them, `count` counts the rows that are the truth; an id that they
    leave out has zeros. `hot`, to the same Redis, is for changes and reads where there are many. `quiet` and `pause`
    are in seconds."""

    def __init__(
        self,
        redis: Redis,
        name: str,
        fields: Sequence[str],
        load: Read,
        save: Save,
        count: Read,
        *,
        hot: HotRedis | None = None,
        quiet: float = 5.0,
        pause: float = 1.0,
    ) -> None:
        self._redis: Any = redis
        self._read = hot.register_script(counter_scripts.READ) if hot else None
        self._apply: Any = (hot or self._redis).register_script(counter_scripts.APPLY)
        self._name, self._fields = name, tuple(fields)
        for field in fields:
            DRIFT.labels(name, field)  # shown from the start, or nobody could see the first one grow
        self._load, self._save, self._count, self._quiet, self._pause = load, save, count, quiet, pause
        self._dirty, self._check = f"{name}:dirty", f"{name}:check"

    async def apply(self, entity_id: int, field: str, delta: int, change_id: str) -> dict[str, int]:
        """Counts a change and answers the numbers after it. A change that was counted in the last 15 minutes counts no
        more. Call it after the commit, and again in the event's handler. Raises Redis' error when Redis is away: the
        request lets it go, the handler is repeated until it passes."""
        return await self.apply_many(entity_id, field, {change_id: delta})

    async def apply_many(self, entity_id: int, field: str, deltas: Mapping[str, int]) -> dict[str, int]:
        """The same for some hundreds of changes of one entity at once, by the ids of the changes."""
        state = await self._try_apply(entity_id, field, deltas)
        while state is None:
            await self._begin([entity_id])
            state = await self._try_apply(entity_id, field, deltas)
        # Marked also when it was counted before: whoever counted it may have died before marking.
        pipe = self._redis.pipeline(transaction=False)
        pipe.zadd(self._dirty, {str(entity_id): state.version}, gt=True)
        pipe.zadd(self._check, {str(entity_id): time.time() + self._quiet})
        await pipe.execute()
        return _shown({entity_id: state.numbers})[entity_id]

    async def get(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """The numbers of each id; the saved ones, at most some seconds old, when Redis is away."""
        wanted = list(dict.fromkeys(ids))
        try:
            found = await self._shown_by_redis(wanted)
            missing = [each for each in wanted if each not in found]
            return found | (_shown(await self._begin(missing)) if missing else {})
        except (RedisError, OSError) as error:
            logger.warning("counters are away", name=self._name, error=repr(error))
            return _shown(await self._saved(wanted))

    async def recheck(self, ids: Sequence[int]) -> None:
        """Has the numbers of these entities compared with the rows now, those that Redis lost too."""
        missing = set(ids) - set(await self._states(ids))
        if missing:
            await self._begin(sorted(missing))
        if ids:
            await self._redis.zadd(self._check, {str(each): time.time() for each in ids})

    async def drop(self, *ids: int) -> None:
        """Forgets entities that are gone."""
        for each in ids:
            await self._redis.delete(self._key(each))

    async def run_flush(self) -> None:
        """Saves what changed, for ever. In every process; one at a time works."""
        while True:
            await outlast(self.flush, what=f"flush of {self._name}")
            await asyncio.sleep(self._pause)

    async def run_reconcile(self) -> None:
        """Compares with the rows, for ever. In every process; one at a time works."""
        while True:
            await outlast(self.reconcile, what=f"reconciling of {self._name}")
            await asyncio.sleep(self._pause)

    async def flush(self) -> int:
        """Saves all that is dirty and answers how much that was."""
        return await self._alone("flush", self._flush)

    async def reconcile(self) -> int:
        """Compares all that is due and answers how much that was."""
        return await self._alone("reconcile", self._reconcile)

    async def _alone(self, what: str, work: Callable[[], Awaitable[int]]) -> int:
        """Two at a time could save an older number over a newer one."""
        lease, token = f"{self._name}:{what}", uuid.uuid4().hex
        total = 0
        while await self._redis.set(lease, token, nx=True, px=_LEASE_MS):
            try:
                async with asyncio.timeout(_SAVE_SECONDS):
                    done = await work()
            finally:
                await self._redis.eval(counter_scripts.RELEASE, 1, lease, token)
            total += done
            if not done:
                break
        return total

    async def _flush(self) -> int:
        ids = [int(each) for each in await self._redis.zrange(self._dirty, 0, _FLUSH_BATCH - 1)]
        DIRTY.labels(self._name).set(await self._redis.zcard(self._dirty))
        if not ids:
            return 0
        states = await self._states(ids)
        if states:
            await self._save({each: state.numbers for each, state in states.items()})
        # Only now, and only what did not change meanwhile: whoever dies before this leaves it to be saved again.
        pipe = self._redis.pipeline(transaction=False)
        for each in ids:
            pipe.eval(
                counter_scripts.FORGET, 1, self._dirty, each, states[each].version if each in states else _ANY_VERSION
            )
        await pipe.execute()
        return len(ids)

    async def _reconcile(self) -> int:
        due = await self._redis.zrangebyscore(
            self._check, "-inf", time.time(), start=0, num=_CHECK_BATCH, withscores=True
        )
        scores = {int(each): score for each, score in due}
        if not scores:
            return 0
        before = await self._states(list(scores))
        exact = self._whole(before, await self._count(list(before)))
        # A change that the count saw and Redis did not yet gets there now, and its version tells of it.
        await asyncio.sleep(self._pause)
        for each, score in scores.items():
            if each in before and before[each].numbers != exact[each]:
                await self._correct(each, before[each], exact[each])
            await self._redis.eval(counter_scripts.FORGET, 1, self._check, each, repr(score))
        return len(scores)

    async def _correct(self, entity_id: int, before: _State, exact: Numbers) -> None:
        content = [part for field in self._fields for part in (field, exact[field])]
        if not await self._redis.eval(counter_scripts.CORRECT, 1, self._key(entity_id), before.version, *content):
            return  # it changed: its check is due again later
        for field in self._fields:
            DRIFT.labels(self._name, field).inc(abs(exact[field] - before.numbers[field]))
        logger.warning("corrected", name=self._name, id=entity_id, counted=before.numbers, exact=dict(exact))
        await self._redis.zadd(self._dirty, {str(entity_id): before.version + 1}, gt=True)

    async def _try_apply(self, entity_id: int, field: str, deltas: Mapping[str, int]) -> _State | None:
        """None when Redis does not hold the entity's numbers."""
        applied = [f"{self._name}:applied:{{{entity_id}}}:{field}:{change_id}" for change_id in deltas]
        arguments = (field, _APPLIED_SECONDS, _KEPT_SECONDS, *deltas.values(), "_v", *self._fields)
        return self._state(await self._apply(keys=[self._key(entity_id), *applied], args=arguments))

    async def _states(self, ids: Sequence[int]) -> dict[int, _State]:
        """Of those that Redis holds."""
        pipe = self._redis.pipeline(transaction=False)
        for each in ids:
            pipe.hmget(self._key(each), "_v", *self._fields)
        states = {each: self._state(values) for each, values in zip(ids, await pipe.execute(), strict=True)}
        return {each: state for each, state in states.items() if state}

    async def _shown_by_redis(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Of those that Redis holds."""
        if self._read is None or not ids:
            return _shown({each: state.numbers for each, state in (await self._states(ids)).items()})
        rows = await self._read(keys=[self._key(each) for each in ids], args=self._fields)
        return {each: dict(zip(self._fields, row, strict=True)) for each, row in zip(ids, rows, strict=True) if row}

    async def _begin(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Puts the saved numbers into Redis where it holds none, to be compared soon: the last second may be missing,
        or a change may be in them that comes again."""
        saved = await self._saved(ids)
        pipe = self._redis.pipeline(transaction=False)
        for each in ids:
            content = [part for field, number in saved[each].items() for part in (field, number)]
            pipe.eval(counter_scripts.BEGIN, 1, self._key(each), _KEPT_SECONDS, "_v", time.time_ns() // 1000, *content)
        pipe.zadd(self._check, {str(each): time.time() + self._quiet for each in ids}, nx=True)
        await pipe.execute()
        return saved

    async def _saved(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        return self._whole(ids, await self._load(ids))

    def _whole(
        self, ids: "Sequence[int] | Mapping[int, Any]", found: Mapping[int, Numbers]
    ) -> dict[int, dict[str, int]]:
        return {each: {field: found.get(each, {}).get(field, 0) for field in self._fields} for each in ids}

    def _state(self, values: Sequence[bytes | None] | None) -> _State | None:
        if not values or values[0] is None:
            return None
        version, *numbers = (int(value or 0) for value in values)
        return _State(version, dict(zip(self._fields, numbers, strict=True)))

    def _key(self, entity_id: int) -> str:
        return f"{self._name}:{{{entity_id}}}"


def _shown(found: Mapping[int, Numbers]) -> dict[int, dict[str, int]]:
    """Nobody sees a negative number, which a change that was counted before its opposite can make for a moment."""
    return {each: {field: max(0, number) for field, number in numbers.items()} for each, numbers in found.items()}
