"""What happened a moment ago."""

from collections.abc import Callable


class Lately:
    """Ids, and whether they were added within `seconds` before a moment, which may itself be some seconds ago."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._at: dict[int, float] = {}  # the one added last comes last

    def add(self, one: int) -> None:
        now = self._clock()
        self._at.pop(one, None)
        self._at[one] = now
        while self._at[oldest := next(iter(self._at))] <= now - 2 * self._seconds:
            del self._at[oldest]

    def has(self, one: int, moment: float) -> bool:
        at = self._at.get(one)
        return at is not None and at > moment - self._seconds
