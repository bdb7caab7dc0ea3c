"""A circuit breaker: stops calling what does not answer, and tries again with one call at a time."""

from collections.abc import Callable
from enum import IntEnum


class State(IntEnum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Opens after `limit` failures in a row, rests for `rest` seconds (twice as long after each failed probe, up to
    `longest_rest`), then lets one probe through, whose outcome closes it or opens it again.

    Each call that `admit` lets through must report back once: succeeded, failed, or dropped when it tells nothing.
    `clock` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        on_change: Callable[[State], None] = lambda _: None,
        *,
        limit: int = 10,
        rest: float = 1.0,
        longest_rest: float = 2.0,
    ) -> None:
        self._clock, self._on_change = clock, on_change
        self._limit, self._first_rest, self._longest_rest = limit, rest, longest_rest
        self._state, self._failures, self._rest, self._reopens_at = State.CLOSED, 0, rest, 0.0

    @property
    def state(self) -> State:
        return self._state

    def admit(self) -> bool:
        """Whether a call may go out now."""
        if self._state is State.CLOSED:
            return True
        if self._state is State.OPEN and self._clock() >= self._reopens_at:
            self._turn(State.HALF_OPEN)
            return True
        return False

    def succeeded(self) -> None:
        self._failures = 0
        if self._state is State.HALF_OPEN:
            self._rest = self._first_rest
            self._turn(State.CLOSED)

    def failed(self) -> None:
        self._failures += 1
        if self._state is State.HALF_OPEN:
            self._rest = min(self._rest * 2, self._longest_rest)
            self._open()
        elif self._state is State.CLOSED and self._failures >= self._limit:
            self._open()

    def dropped(self) -> None:
        """The caller gave up: if it was the probe, the next call is one."""
        if self._state is State.HALF_OPEN:
            self._turn(State.OPEN)

    def _open(self) -> None:
        self._reopens_at = self._clock() + self._rest
        self._turn(State.OPEN)

    def _turn(self, state: State) -> None:
        self._state = state
        self._on_change(state)
