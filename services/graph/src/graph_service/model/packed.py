"""All that decides what an account may see of others, as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PackedRelations:
    """Ids in rising order, 8 bytes big-endian each; a block is one in either direction. `timed_mutes` have an end,
    `muted` have none. `tags` are on the first page alone. `last` is the last account, 0 when no more follow."""

    following: bytes
    blocked: bytes
    close_friend_of: bytes
    muted: bytes
    timed_mutes: Sequence[tuple[int, datetime]]
    tags: Sequence[str]
    last: int
