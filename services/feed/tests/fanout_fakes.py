"""What the fan-out alone needs of stores, in memory, with the behaviour that the real ones promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from feed_service.model import micros, pack, unpack
from feed_service.model.crossing import NEVER, Mark
from feed_service.model.sweeping import State

from services.feed.tests.fakes import Clock, FakeAuthors, FakeHome, FakeWarm, down


@dataclass
class FakeIdle:
    """Down when the warm timelines are: both are in Redis, whose clock never stands still."""

    warm: FakeWarm
    clock: Clock = field(default_factory=Clock)
    members: set[int] = field(default_factory=set[int])
    read_at: dict[int, datetime] = field(default_factory=dict[int, datetime])
    ticks: int = 0

    async def awake(self, followers: bytes) -> bytes:
        return followers if self.warm.is_down else pack(one for one in unpack(followers) if one not in self.members)

    async def leave(self, user_id: int) -> int | None:
        if self.warm.is_down:
            return None
        self.members.discard(user_id)
        return await self.time_us()

    async def add(self, user_ids: Sequence[int], before_us: int) -> bool:
        if await self.time_us() >= before_us:
            return False
        self.members.update(user_ids)
        return True

    async def time_us(self) -> int:
        if self.warm.is_down:
            raise down("REDIS")
        self.ticks += 1
        return micros(self.clock.now()) + self.ticks

    async def last_reads(self, user_ids: Sequence[int]) -> Mapping[int, datetime]:
        if self.warm.is_down:
            raise down("REDIS")
        return {one: self.read_at[one] for one in user_ids if one in self.read_at}


@dataclass
class FakeStates:
    """Of the timelines in `home`; places in the ring are ids."""

    home: FakeHome
    last_read: dict[int, datetime] = field(default_factory=dict[int, datetime])

    async def page(self, after: int, limit: int) -> Sequence[State]:
        return [self._state(one) for one in sorted(self.home.complete) if one > after][:limit]

    async def note_reads(self, user_ids: Sequence[int], at: Sequence[datetime]) -> None:
        self.last_read.update(zip(user_ids, at, strict=True))

    async def void(self, user_ids: Sequence[int], before_us: int) -> None:
        for user_id in user_ids:
            await self.home.set_complete_from(user_id, NEVER, before_us)

    def _state(self, user_id: int) -> State:
        built_us, complete_from = self.home.complete[user_id]
        return State(user_id, user_id, complete_from == NEVER, built_us, self.last_read.get(user_id))


@dataclass
class FakeMarks:
    """Those in `authors`."""

    authors: FakeAuthors

    async def all(self) -> Mapping[int, Mark]:
        return dict(self.authors.marks)

    async def of(self, author_id: int) -> Mark | None:
        return self.authors.marks.get(author_id)

    async def mark(self, author_id: int, since_us: int) -> None:
        mark = self.authors.marks.get(author_id)
        if mark is None or mark.returning_us is not None:
            self.authors.marks[author_id] = Mark(since_us)

    async def begin_return(self, author_id: int, mark: Mark, at_us: int) -> bool:
        if self.authors.marks.get(author_id) != mark or mark.returning_us is not None:
            return False
        self.authors.marks[author_id] = replace(mark, returning_us=at_us)
        return True

    async def unmark(self, author_id: int, returning_us: int) -> bool:
        mark = self.authors.marks.get(author_id)
        if mark is None or mark.returning_us != returning_us:
            return False
        del self.authors.marks[author_id]
        return True


@dataclass
class FakeTurns:
    """`mine` says whether it is."""

    mine: bool = True
    kept: int | None = None

    async def take(self) -> bool:
        return self.mine

    async def place(self) -> int | None:
        return self.kept

    async def keep(self, place: int) -> None:
        self.kept = place


class NoPressure:
    async def room(self) -> None:
        return
