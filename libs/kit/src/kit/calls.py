"""What the server knows of the calls that it answers, however they came: how many run, and what became of each."""

import time

import grpc

from kit import log, metrics, telemetry
from kit.errors import DomainError, Internal, Unavailable, from_exception
from kit.status import code_of

DEFAULT_SECONDS = 5.0  # for callers that set no deadline
_OWN_BUG = frozenset((grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN))

logger = log.get(__name__)


class Running:
    """The calls being answered: at most `cap` at once."""

    def __init__(self, cap: int) -> None:
        self._cap, self._number = cap, 0
        metrics.SERVER_LIMIT.set(cap)

    def enter(self, wanted: int = 1) -> int:
        """How many of them may begin. Each is to leave again."""
        begun = max(0, min(wanted, self._cap - self._number))
        self._number += begun
        metrics.SERVER_IN_FLIGHT.inc(begun)
        if begun < wanted:
            metrics.SERVER_SHED.inc(wanted - begun)
        return begun

    def leave(self, number: int = 1) -> None:
        self._number -= number
        metrics.SERVER_IN_FLIGHT.dec(number)


def overloaded() -> Unavailable:
    """The answer to a call that may not begin."""
    return Unavailable("OVERLOADED", "too many calls at once", retry_after=1)


class Record:
    """One call from its arrival to its metrics and log line. `quiet`: in seconds, how long a call may take that leaves
    no line when it succeeds."""

    def __init__(self, method: str, caller: str, quiet: float = 0) -> None:
        self._method, self._caller, self._quiet = method, caller, quiet
        self._started = time.perf_counter()

    def succeeded(self) -> None:
        seconds = self._observe(grpc.StatusCode.OK)
        if seconds >= self._quiet:
            self._write(grpc.StatusCode.OK, seconds)

    def ended(self, code: grpc.StatusCode, reason: str | None = None) -> None:
        """Without an answer, by no error of the service's own."""
        self._write(code, self._observe(code), reason)

    def failed(self, error: Exception) -> DomainError:
        """What the caller may know of the error."""
        known = from_exception(error)
        shown = known or Internal("INTERNAL", "internal error")
        code = code_of(shown)
        self._write(code, self._observe(code), shown.reason, _cause(error, known))
        return shown

    def _observe(self, code: grpc.StatusCode) -> float:
        seconds = time.perf_counter() - self._started
        metrics.server_seconds(self._method, code).observe(seconds, telemetry.exemplar())
        return seconds

    def _write(
        self, code: grpc.StatusCode, seconds: float, reason: str | None = None, error: Exception | None = None
    ) -> None:
        write = logger.error if code in _OWN_BUG else logger.info
        extra: dict[str, object] = {"reason": reason} if reason else {}
        if error is not None:
            extra["exc_info"] = error
        write("call", method=self._method, status=code.name, ms=round(seconds * 1000, 2), caller=self._caller, **extra)


def _cause(error: Exception, known: DomainError | None) -> Exception | None:
    """The exception that deserves a stack in the log: a bug's or a driver's, not one that was raised on purpose."""
    return None if known is error else error
