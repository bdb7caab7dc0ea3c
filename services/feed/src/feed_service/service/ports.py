"""What the use cases need of stores and of other services."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from feed_service.model import Chunk, Entry, Glance, Lane, Piece, Plan, Relation, Relations, Slice
from feed_service.model.crossing import Backfill

P_co = TypeVar("P_co", covariant=True)
K = TypeVar("K")

Slices = Callable[[K, int, int], Awaitable[Sequence[Entry]]]
"""Of a list below a post id, at most so many entries; fewer only at the end."""


class Home(Protocol):
    """Home timelines, kept. Raises Unavailable CASSANDRA_UNAVAILABLE."""

    async def complete_from(self, user_id: int) -> int | None:
        """The post id from which on the timeline was complete when it was built; None when it never was."""
        ...

    async def set_complete_from(self, user_id: int, post_id: int, at_us: int) -> None:
        """Of several, the one with the latest time stays."""
        ...

    async def count_removed(self, user_id: int, rows: int) -> int:
        """Adds to the rows removed one by one since the timeline was last emptied, and answers how many that makes."""
        ...

    async def empty(self, user_id: int, at_us: int) -> None:
        """Removes all rows that were written by then, and what was said of their being complete by then."""
        ...

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
        """Authors who are merged at read."""
        ...


class Warm(Protocol):
    """Home timelines of those who read lately. `begin` and `finish` treat an outage as somebody else's build; the
    others raise Unavailable."""

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


class Views(Protocol):
    """What is kept at hand of viewers, the warm timeline among it. Reads treat an outage as nothing being there."""

    async def glance(self, user_id: int, before: int, limit: int, stamp: bytes) -> Glance:
        """`stamp` names the set of pulled authors for which the viewer's are wanted."""
        ...

    async def relations(self, user_id: int, ids: Sequence[int]) -> Mapping[int, Relation] | None:
        """None when they are not there."""
        ...

    async def find_pulled(self, user_id: int, ids: Sequence[int], stamp: bytes) -> Mapping[int, Relation] | None:
        """Which of the pulled authors `ids` the viewer follows, kept as what is so for the set named `stamp`. None when
        the relations are not there."""
        ...

    async def fill(self, user_id: int, relations: Relations, pulled: Sequence[int], stamp: bytes) -> None:
        """Nothing happens while the relations are closed."""
        ...

    async def close_relations(self, user_id: int) -> None:
        """They are not there from now on, and cannot be filled for longer than a load takes. Raises Unavailable."""
        ...

    async def like(self, user_id: int, post_id: int, change_id: int, *, liked: bool) -> None:
        """The latest change of a post stays, in whatever order they come. Raises Unavailable."""
        ...

    async def begin_likes(self, user_id: int) -> str | None:
        """Announces a build: changes from now on are kept for it. None when there is no need for one."""
        ...

    async def finish_likes(
        self, user_id: int, build: str, likes: Sequence[tuple[int, int]], floor: int, since: int
    ) -> None:
        """`likes`: posts and ids of changes, all from post id `floor` on; no change before `since` is missing."""
        ...


class Tasks(Protocol):
    async def emit(self, lane: Lane, tasks: Sequence[Plan | Chunk | Backfill]) -> None:
        """Returns when all are safely queued."""
        ...


class Graph(Protocol):
    async def relations_of(self, user_id: int) -> Relations:
        """All of them."""
        ...

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


class Engagements(Protocol):
    async def liked(self, user_id: int, ids: Sequence[int]) -> frozenset[int]:
        """Which of the posts the account likes. Raises Unavailable POST_UNAVAILABLE."""
        ...

    async def newest_likes(self, user_id: int, limit: int) -> tuple[Sequence[tuple[int, int]], int]:
        """The newest posts that the account likes, each with the id of the change, and from which post id on they are
        all. Raises Unavailable POST_UNAVAILABLE."""
        ...


class Tagged(Protocol):
    async def with_tag(self, tag: str, before: int, limit: int) -> Sequence[Entry]:
        """Posts with the tag below `before`, whoever may see them; shorter than `limit` only at the end."""
        ...


class Shared(Protocol):
    """Beginnings of lists that all processes share for a moment."""

    def shared(self, kind: str, load: Slices[K]) -> Slices[K]:
        """`load`, or what somebody loaded a moment ago. `kind` tells lists with the same keys apart."""
        ...


class Pieces(Protocol):
    async def get(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        """What there is of the posts. Raises Unavailable POST_UNAVAILABLE."""
        ...
