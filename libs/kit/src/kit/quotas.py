"""How much is allowed, to whom, and what became of a request: the words of rate limits, without the means."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

MICROS = 1_000_000


@dataclass(frozen=True)
class Quota:
    """`amount` requests in `seconds`, all at once or spread."""

    amount: int
    seconds: int

    @cached_property
    def spacing(self) -> tuple[float, int]:
        """Microseconds that one request costs, and those of the whole window."""
        window = self.seconds * MICROS
        return window / self.amount, window


@dataclass(frozen=True)
class Bucket:
    """`name` is what clients see of it, `key` tells its owner."""

    name: str
    key: str
    quota: Quota


# Tuples, for there are several to each request and making them costs half.
class Standing(NamedTuple):
    """A bucket after the request: how many are left, and in how many seconds it is full again."""

    bucket: Bucket
    remaining: int
    full_in: int


class Verdict(NamedTuple):
    """`retry_after` in seconds; 0 when the request may pass. `blamed` names the bucket that said no."""

    standings: tuple[Standing, ...] = ()
    retry_after: float = 0
    blamed: str = ""

    @property
    def allowed(self) -> bool:
        return self.retry_after <= 0
