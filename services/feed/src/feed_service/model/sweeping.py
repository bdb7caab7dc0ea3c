"""When an account counts as one that does not read any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_NOTED_EVERY = timedelta(days=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a home timeline. `place` is that of the account in the ring. A void one is complete nowhere;
    `built_us` is the write time of what it says, since the epoch."""

    place: int
    user_id: int
    is_void: bool
    built_us: int
    last_read: datetime | None

    def idle_since(self, cutoff: datetime) -> bool:
        """Whether no read since `cutoff` is known. Whoever built the timeline read it."""
        built = _EPOCH if self.is_void else _EPOCH + timedelta(microseconds=self.built_us)
        return max(built, self.last_read or _EPOCH) < cutoff

    def notes(self, read: datetime) -> bool:
        """Whether a read is worth noting: at most once a day."""
        return self.last_read is None or read - self.last_read >= _NOTED_EVERY
