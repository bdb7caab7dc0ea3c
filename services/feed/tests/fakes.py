"""Stores and peers in memory, with the behaviour that the real ones promise."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from feed_service.model import ROWS_TTL_SECONDS, Chunk, Entry, Lane, Plan, Slice, unpack
from feed_service.model.crossing import NEVER, Backfill, Mark
from kit.ids import first_at

from services.feed.tests.truth_fakes import FakeGraph as FakeGraph
from services.feed.tests.truth_fakes import FakePosts as FakePosts
from services.feed.tests.truth_fakes import down as down

START = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class Clock:
    """Stands still unless told to move."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def tick(self, step: timedelta = timedelta(seconds=10)) -> datetime:
        self.at += step
        return self.at

    def next_id(self) -> int:
        """Later than every id before."""
        return first_at(self.tick(timedelta(milliseconds=1)))


@dataclass
class FakeHome:
    """Rows with their write times, until they expire. The later of a row and its removal wins, at a tie the removal."""

    clock: Clock = field(default_factory=Clock)
    rows: dict[tuple[int, Entry], tuple[int, datetime]] = field(
        default_factory=dict[tuple[int, Entry], tuple[int, datetime]]
    )
    removed: dict[tuple[int, Entry], int] = field(default_factory=dict[tuple[int, Entry], int])
    complete: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """With the time at which that was said."""
    emptied: dict[int, int] = field(default_factory=dict[int, int])
    counted: dict[int, int] = field(default_factory=dict[int, int])
    is_down: bool = False

    async def complete_from(self, user_id: int) -> int | None:
        self._ask()
        _, post_id = self.complete.get(user_id, (0, NEVER))
        return None if post_id == NEVER else post_id

    async def set_complete_from(self, user_id: int, post_id: int, at_us: int) -> None:
        self._ask()
        self.complete[user_id] = max((at_us, post_id), self.complete.get(user_id, (0, 0)))

    async def count_removed(self, user_id: int, rows: int) -> int:
        self.counted[user_id] = self.counted.get(user_id, 0) + rows
        return self.counted[user_id]

    async def empty(self, user_id: int, at_us: int) -> None:
        await self.set_complete_from(user_id, NEVER, at_us)
        self.emptied[user_id] = max(at_us, self.emptied.get(user_id, 0))
        self.counted[user_id] = 0

    async def slice(self, user_id: int, before: int, floor: int, limit: int) -> Sequence[Entry]:
        return [entry for entry in self._of(user_id) if floor <= entry.post_id < before][:limit]

    async def of_author(self, user_id: int, author_id: int) -> Sequence[Entry]:
        return [entry for entry in self._of(user_id) if entry.author_id == author_id]

    async def add(self, user_id: int, entries: Sequence[Entry], at_us: int) -> None:
        self._ask()
        for entry in entries:
            written = (at_us, self.clock.now() + timedelta(seconds=ROWS_TTL_SECONDS))
            self.rows[user_id, entry] = max(written, self.rows.get((user_id, entry), written))

    async def remove(self, user_id: int, entries: Sequence[Entry], at_us: int) -> None:
        self._ask()
        for entry in entries:
            self.removed[user_id, entry] = max(at_us, self.removed.get((user_id, entry), 0))

    async def write(self, chunk: Chunk) -> None:
        for follower in unpack(chunk.followers):
            await self.add(follower, [chunk.entry], chunk.at_us)

    def _of(self, user_id: int) -> list[Entry]:
        self._ask()
        alive = [
            key
            for key, (at_us, until) in self.rows.items()
            if at_us > max(self.removed.get(key, 0), self.emptied.get(key[0], 0)) and until > self.clock.now()
        ]
        return sorted((entry for user, entry in alive if user == user_id), reverse=True)

    def _ask(self) -> None:
        if self.is_down:
            raise down("CASSANDRA")


@dataclass
class FakeAuthors:
    rows: dict[Entry, int] = field(default_factory=dict[Entry, int])
    removed: dict[Entry, int] = field(default_factory=dict[Entry, int])
    marks: dict[int, Mark] = field(default_factory=dict[int, Mark])
    is_down: bool = False

    async def add(self, entry: Entry, at_us: int) -> None:
        self.rows[entry] = max(at_us, self.rows.get(entry, 0))

    async def remove(self, entry: Entry, at_us: int) -> None:
        self.removed[entry] = max(at_us, self.removed.get(entry, 0))

    async def slice(self, author_id: int, before: int, limit: int) -> Sequence[Entry]:
        alive = [entry for entry, at_us in self.rows.items() if at_us > self.removed.get(entry, 0)]
        found = [entry for entry in alive if entry.author_id == author_id and entry.post_id < before]
        return sorted(found, reverse=True)[:limit]

    async def pulled(self) -> frozenset[int]:
        if self.is_down:
            raise down("CASSANDRA")
        return frozenset(self.marks)


@dataclass
class FakeErased:
    marked: set[int] = field(default_factory=set[int])

    async def mark(self, user_id: int) -> None:
        self.marked.add(user_id)

    async def is_marked(self, user_id: int) -> bool:
        return user_id in self.marked


@dataclass
class FakeWarm:
    cap: int
    timelines: dict[int, Slice] = field(default_factory=dict[int, Slice])
    builds: dict[int, set[Entry]] = field(default_factory=dict[int, set[Entry]])
    is_down: bool = False

    def read(self, user_id: int, before: int, limit: int) -> Slice | None:
        """What FakeViews has of it."""
        timeline = self.timelines.get(user_id)
        if timeline is None or self.is_down:
            return None
        below = [entry for entry in timeline.entries if entry.post_id < before]
        ends = timeline.floor is not None and timeline.floor < before and len(below) < limit
        return Slice(below[:limit], timeline.floor if ends else None)

    async def begin(self, user_id: int) -> str | None:
        if self.is_down or user_id in self.builds:
            return None
        self.builds[user_id] = set()
        return str(user_id)

    async def finish(self, user_id: int, build: str, rows: Slice) -> bool:
        if self.is_down or user_id not in self.builds:
            return False
        lowest = rows.floor if rows.floor is not None else rows.entries[-1].post_id
        kept = {entry for entry in self.builds.pop(user_id) if entry.post_id >= lowest} | set(rows.entries)
        self.timelines[user_id] = self._cut(kept, rows.floor)
        return True

    async def push(self, entry: Entry, followers: bytes) -> None:
        self._ask()
        for user_id in unpack(followers):
            if user_id in self.builds:
                self.builds[user_id].add(entry)
            timeline = self.timelines.get(user_id)
            if timeline is not None and self._holds(timeline, entry):
                self.timelines[user_id] = self._cut({*timeline.entries, entry}, timeline.floor)

    async def drop(self, user_id: int) -> None:
        self._ask()
        self.timelines.pop(user_id, None)
        self.builds.pop(user_id, None)

    def _holds(self, timeline: Slice, entry: Entry) -> bool:
        lowest = timeline.entries[-1].post_id if timeline.floor is None else timeline.floor
        return entry.post_id >= lowest

    def _cut(self, entries: set[Entry], floor: int | None) -> Slice:
        """The floor counts as a member, the lowest."""
        room = self.cap if floor is None else self.cap - 1
        return Slice(sorted(entries, reverse=True)[: self.cap], floor if len(entries) <= room else None)

    def _ask(self) -> None:
        if self.is_down:
            raise down("REDIS")


@dataclass
class FakeTasks:
    queue: list[Plan | Chunk] = field(default_factory=list[Plan | Chunk])
    backfills: list[Backfill] = field(default_factory=list[Backfill])
    late: list[Chunk] = field(default_factory=list[Chunk])

    async def emit(self, lane: Lane, tasks: Sequence[Plan | Chunk | Backfill]) -> None:
        if lane is Lane.LATE:
            self.late += [task for task in tasks if isinstance(task, Chunk)]
            return
        for task in tasks:
            if isinstance(task, Backfill):
                self.backfills.append(task)
            else:
                self.queue.append(task)
