"""What viewers did with posts, in Redis: a hash `feed:interests:{<id>}`, a field for each thing done ("l" and a post
liked, "c" and a comment, "o" and an own post), whose value is `<change id, 16 hex digits>|<points>|<author's
mark>|<row>:<column>|<tag> <tag> ...`. The later change of a field wins, so events may come twice and in any order.

Kept are the newest of each viewer, until 90 days after the last. If they are lost, rankings go without them until there
are new ones.
"""

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from feed_service.model.ranking import Cell, Interaction
from feed_service.store.outages import Patience

KEY = "feed:interests:{%016x}"
KEPT = 200
_KEPT_SECONDS = 90 * 24 * 3600

# Cut only now and then: sorting costs.
_RECORD = """
local key, most = KEYS[1], tonumber(ARGV[1])
for at = 3, #ARGV, 2 do
    local had = redis.call('HGET', key, ARGV[at])
    if not had or string.sub(had, 1, 16) < string.sub(ARGV[at + 1], 1, 16) then
        redis.call('HSET', key, ARGV[at], ARGV[at + 1])
    end
end
if redis.call('HLEN', key) > most + most / 4 then
    local all, order = redis.call('HGETALL', key), {}
    for at = 1, #all, 2 do order[#order + 1] = string.sub(all[at + 1], 1, 16) .. all[at] end
    table.sort(order)
    for at = 1, #order - most do redis.call('HDEL', key, string.sub(order[at], 17)) end
end
redis.call('EXPIRE', key, ARGV[2])
"""


class InterestLog:
    """Raises Unavailable REDIS_UNAVAILABLE."""

    def __init__(self, redis: Redis, patience: Patience, *, kept: int = KEPT) -> None:
        self._redis, self._patience, self._kept = redis, patience, kept
        self._record = redis.register_script(_RECORD)

    async def record(self, viewer_id: int, done: Mapping[str, Interaction]) -> None:
        pairs = [part for name, one in done.items() for part in (name, _write(one))]
        async with self._patience.waiting():
            await self._record(keys=[KEY % viewer_id], args=[self._kept, _KEPT_SECONDS, *pairs])

    async def of(self, viewer_id: int) -> Sequence[Interaction]:
        async with self._patience.waiting():
            values = await self._redis.hvals(KEY % viewer_id)
        return [_read(value.decode() if isinstance(value, bytes) else value) for value in values]

    async def forget(self, viewer_id: int) -> int:
        async with self._patience.waiting():
            return await self._redis.delete(KEY % viewer_id)


def _write(one: Interaction) -> str:
    cell = f"{one.cell.row}:{one.cell.column}" if one.cell else ""
    return f"{one.change_id:016x}|{one.points:g}|{one.author}|{cell}|{' '.join(one.tags)}"


def _read(value: str) -> Interaction:
    change, points, author, cell, tags = value.split("|", 4)
    row, _, column = cell.partition(":")
    place = Cell(int(row), int(column)) if cell else None
    return Interaction(int(change, 16), float(points), author, tuple(tags.split()), place)
