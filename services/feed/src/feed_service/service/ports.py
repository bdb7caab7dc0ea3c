"""What the use cases need of stores and of other services."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from feed_service.model import Chunk, Entry, Lane, Plan, Relation, Slice

P_co = TypeVar("P_co", covariant=True)


class Home(Protocol):
    """Home timelines, kept. Raises Unavailable CASSANDRA_UNAVAILABLE."""

    async def complete_from(self, user_id: int) -> int | None:
        """The post id from which on the timeline was complete when it was built; None when it never was."""
        ...

    async def set_complete_from(self, user_id: int, post_id: int) -> None: ...

    async def slice(self, user_id: int, before: int, floor: int, limit: int) -> Sequence[Entry]:
        """Below `before`, down to `floor` inclusive; shorter than `limit` only at the end."""
        ...

    async def of_author(self, user_id: int, author_id: int) -> Sequence[Entry]:
        """All of the timeline's rows of one author."""
        ...

    async def add(self, user_id: int, entries: Sequence[Entry], at_us: int) -> None: ...

    async def remove(self, user_id: int, entries: Sequence[Entry], at_us: int) -> None:
        """Leaves rows that were written with a later time."""
        ...


class Rows(Protocol):
    async def write(self, chunk: Chunk) -> None:
        """One home row for each follower of the chunk."""
        ...


class Erased(Protocol):
    async def is_marked(self, user_id: int) -> bool:
        """Whether the account is gone for good. Raises Unavailable CASSANDRA_UNAVAILABLE."""
        ...


class Authors(Protocol):
    """Every published post of an author. Raises Unavailable CASSANDRA_UNAVAILABLE."""

    async def add(self, entry: Entry, at_us: int) -> None: ...

    async def remove(self, entry: Entry, at_us: int) -> None: ...

    async def slice(self, author_id: int, before: int, limit: int) -> Sequence[Entry]:
        """Shorter than `limit` only at the end."""
        ...

    async def pulled(self) -> frozenset[int]:
        """Authors who were ever above the threshold."""
        ...

    async def is_pulled(self, author_id: int) -> bool: ...

    async def mark_pulled(self, author_id: int) -> None: ...


class Warm(Protocol):
    """Home timelines of those who read lately. Reads treat an outage as a miss; writes raise Unavailable."""

    async def slice(self, user_id: int, before: int, limit: int) -> Slice | None:
        """None when the timeline is not warm."""
        ...

    async def begin(self, user_id: int) -> str | None:
        """Announces a build: entries pushed from now on are kept for it. Read the rows after this. None when somebody
        else builds already."""
        ...

    async def finish(self, user_id: int, build: str, rows: Slice) -> bool:
        """Makes what was read and what was pushed meanwhile the warm timeline; False when the build was dropped."""
        ...

    async def push(self, entry: Entry, followers: bytes) -> None:
        """Adds the entry to those of the followers' timelines that are warm or being built."""
        ...

    async def drop(self, user_id: int) -> None: ...


class Tasks(Protocol):
    async def emit(self, lane: Lane, tasks: Sequence[Plan | Chunk]) -> None:
        """Returns when all are safely queued."""
        ...


class Graph(Protocol):
    async def relations(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Relation]: ...

    async def following(self, user_id: int) -> Sequence[int]: ...

    async def followers(self, author_id: int) -> int:
        """How many."""
        ...

    async def follower_page(self, author_id: int, after: int, size: int) -> tuple[bytes, int]:
        """Packed ids above `after`, and the `after` of the next page: 0 when there is none."""
        ...


class Posts(Protocol[P_co]):
    async def newest(self, author_ids: Sequence[int], before: int, limit: int) -> Sequence[Entry]:
        """Posts of the authors below `before`, whoever may see them; shorter than `limit` only at the end."""
        ...

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, P_co]:
        """Those that the viewer may see, by id."""
        ...
