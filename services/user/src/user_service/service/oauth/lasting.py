"""How long what ends now may still be about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Lasting:
    clock: Callable[[], datetime]
    over_by: Callable[[datetime], datetime]

    def now(self) -> tuple[datetime, datetime]:
        """And when the last access token made until now is over, by any gateway's clock."""
        now = self.clock()
        return now, self.over_by(now)
