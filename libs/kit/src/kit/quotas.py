"""How much is allowed, to whom, and what became of a request: the words of rate limits, without the means."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """`amount` requests in `seconds`, all at once or spread."""

    amount: int
    seconds: int


@dataclass(frozen=True)
class Bucket:
    """`name` is what clients see of it, `key` tells its owner."""

    name: str
    key: str
    quota: Quota


@dataclass(frozen=True)
class Standing:
    """A bucket after the request: how many are left, and in how many seconds it is full again."""

    bucket: Bucket
    remaining: int
    full_in: int


@dataclass(frozen=True)
class Verdict:
    """`retry_after` in seconds; 0 when the request may pass. `blamed` names the bucket that said no."""

    standings: tuple[Standing, ...] = ()
    retry_after: float = 0
    blamed: str = ""

    @property
    def allowed(self) -> bool:
        return self.retry_after <= 0
