"""What the fan-out needs of stores, beside what reads need of them too (ports.py)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from feed_service.model.crossing import Mark
from feed_service.model.sweeping import State


class Idle(Protocol):
    """Accounts that get no rows because they do not read. Nobody is one when Redis is away or was lost."""

    async def awake(self, followers: bytes) -> bytes:
        """Those who are not idle, of packed ids; all of them during an outage."""
        ...

    async def leave(self, user_id: int) -> int | None:
        """Answers when it was so, in microseconds of Redis' clock; None during an outage, when nobody can leave."""
        ...

    async def add(self, user_ids: Sequence[int], before_us: int) -> bool:
        """False, and nobody was added, when Redis' clock is there already. Raises Unavailable REDIS_UNAVAILABLE."""
        ...

    async def time_us(self) -> int:
        """Redis' clock. Raises Unavailable REDIS_UNAVAILABLE."""
        ...

    async def last_reads(self, user_ids: Sequence[int]) -> Mapping[int, datetime]:
        """Of those whose timelines are warm. Raises Unavailable REDIS_UNAVAILABLE."""
        ...


class States(Protocol):
    """Raises Unavailable CASSANDRA_UNAVAILABLE."""

    async def page(self, after: int, limit: int) -> Sequence[State]:
        """In the ring's order, above the place `after`; shorter than `limit` only at the ring's end."""
        ...

    async def note_reads(self, user_ids: Sequence[int], at: Sequence[datetime]) -> None: ...

    async def void(self, user_ids: Sequence[int], before_us: int) -> None:
        """Nothing of their timelines counts as complete, whatever was said or will be said with a time before that."""
        ...


class Turns(Protocol):
    """Raises Unavailable REDIS_UNAVAILABLE."""

    async def take(self) -> bool:
        """Whether it is this process' turn."""
        ...

    async def place(self) -> int | None:
        """What was kept last, by whomever."""
        ...

    async def keep(self, place: int) -> None: ...


class Marks(Protocol):
    """Authors who are merged at read. Of two changes that contradict each other one does not happen. Raises Unavailable
    CASSANDRA_UNAVAILABLE."""

    async def all(self) -> Mapping[int, Mark]: ...

    async def of(self, author_id: int) -> Mark | None: ...

    async def mark(self, author_id: int, since_us: int) -> None:
        """Also from the way back. Does nothing to one who is marked otherwise."""
        ...

    async def begin_return(self, author_id: int, mark: Mark, at_us: int) -> bool:
        """False when the mark is another by now."""
        ...

    async def unmark(self, author_id: int, returning_us: int) -> bool:
        """False when that is not the way back that the author is on."""
        ...


class Pressure(Protocol):
    async def room(self) -> None:
        """Returns once few enough chunks wait in the small lane."""
        ...
