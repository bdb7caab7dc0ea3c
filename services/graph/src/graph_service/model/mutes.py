"""When a mute ends by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from graph_service.model import errors

LONGEST = timedelta(days=5 * 365)


@dataclass(frozen=True)
class End:
    """As the viewer asked for it: after a number of seconds, at a moment, or, with neither, never."""

    seconds: int | None = None
    moment: datetime | None = None

    def at(self, now: datetime) -> datetime | None:
        """To the millisecond, never earlier than asked. Raises InvalidArgument INVALID_FIELD when that is not after
        `now` or too far ahead."""
        if self.seconds is not None:
            if not 0 < self.seconds <= LONGEST.total_seconds():
                raise errors.bad_end("seconds", f"from 1 to {LONGEST.total_seconds():.0f}")
            return _whole(now + timedelta(seconds=self.seconds))
        if self.moment is not None and not now < self.moment <= now + LONGEST:
            raise errors.bad_end("until", f"from now to {LONGEST.days} days ahead")
        return _whole(self.moment) if self.moment else None


def _whole(moment: datetime) -> datetime:
    return moment + timedelta(microseconds=-moment.microsecond % 1000)
