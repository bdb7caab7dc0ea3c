"""How long what ends now may still be about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_LEEWAY = timedelta(minutes=1)
"""How wrong a gateway's clock may be."""


@dataclass(frozen=True)
class Lasting:
    clock: Callable[[], datetime]
    access_tokens: timedelta

    def now(self) -> tuple[datetime, datetime]:
        """And when the last access token made until now is over, by any gateway's clock."""
        now = self.clock()
        return now, now + self.access_tokens + _LEEWAY
