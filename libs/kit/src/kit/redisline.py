"""One connection of kit.hotredis: commands go out together, answers are told apart by their order."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, cast

import hiredis
from redis import exceptions
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url

Word = bytes | str | int | float

_NOT_YET = object()
_ERRORS: dict[str, type[exceptions.RedisError]] = {
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "LOADING": exceptions.BusyLoadingError,
    "MASTERDOWN": exceptions.MasterDownError,
    "NOAUTH": exceptions.AuthenticationError,
    "NOPERM": exceptions.NoPermissionError,
    "NOSCRIPT": exceptions.NoScriptError,
    "OOM": exceptions.OutOfMemoryError,
    "READONLY": exceptions.ReadOnlyError,
    "TRYAGAIN": exceptions.TryAgainError,
    "WRONGPASS": exceptions.AuthenticationError,
}


pack = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # typed as if of one word


@dataclass(slots=True, eq=False)
class Command:
    """`or_else` is sent instead when Redis does not know the script."""

    packed: bytes
    answer: asyncio.Future[Any]
    or_else: tuple[Word, ...] = ()
    tried: bool = False
    sent: float = 0

    def succeed(self, reply: object) -> None:
        if not self.answer.done():  # its caller may be gone
            self.answer.set_result(reply)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # nobody need look at it


@dataclass(frozen=True)
class Place:
    """Where Redis is and what it wants to hear first."""

    host: str
    port: int
    path: str | None
    tls: SSLContext | None
    greeting: tuple[tuple[Word, ...], ...]

    async def open(self, line: "Line") -> None:
        """Raises OSError or RedisError."""
        loop = asyncio.get_running_loop()
        if self.path:
            await loop.create_unix_connection(lambda: line, self.path)
        else:
            await loop.create_connection(lambda: line, self.host, self.port, ssl=self.tls)
        greetings = [Command(pack(words), loop.create_future()) for words in self.greeting]
        line.send(greetings)
        for command in greetings:
            await command.answer


def place_of(url: str) -> Place:
    """As redis-py reads it: redis://, rediss:// (ssl_* in the query) or unix://. Raises ValueError."""
    options: dict[str, Any] = dict(parse_url(url))
    made: Any = options.pop("connection_class", Connection)(**options)
    greeting: list[tuple[Word, ...]] = []
    if made.password:
        greeting.append(("AUTH", made.username, made.password) if made.username else ("AUTH", made.password))
    if made.db:
        greeting.append(("SELECT", made.db))
    tls = cast("SSLContext", made.ssl_context.get()) if isinstance(made, SSLConnection) else None
    if isinstance(made, UnixDomainSocketConnection):
        return Place("", 0, made.path, None, tuple(greeting))
    return Place(made.host, made.port, None, tls, tuple(greeting))


class Line(asyncio.Protocol):
    """`seconds` are what an answer may take. `lost` is told once, with the commands that have no answer."""

    def __init__(self, seconds: float, lost: Callable[["Line", Exception, Sequence[Command]], None]) -> None:
        self._loop, self._seconds, self._lost = asyncio.get_running_loop(), seconds, lost
        self._reader = hiredis.Reader(
            protocolError=exceptions.InvalidResponse, replyError=_error, notEnoughData=_NOT_YET
        )
        self._asked: deque[Command] = deque()
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._ended = False
        self.answered = False

    @property
    def backlog(self) -> int:
        """Commands that have no answer yet."""
        return len(self._asked)

    def send(self, commands: Iterable[Command]) -> None:
        now, content = self._loop.time(), bytearray()
        for command in commands:
            command.sent = now
            self._asked.append(command)
            content += command.packed
        if self._transport and content:
            self._transport.write(bytes(content))
        if self._asked and not self._watch:
            self._watch = self._loop.call_later(self._seconds, self._look)

    def end(self, error: Exception) -> None:
        if not self._ended:
            self._ended = True
            if self._watch:
                self._watch.cancel()
            if self._transport:
                self._transport.abort()
            left, self._asked = self._asked, deque()
            self._lost(self, error, left)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no such class

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio's signature
        self.end(exceptions.ConnectionError("the connection was lost"))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOT_YET:
                self._take(reply)
        except (exceptions.InvalidResponse, IndexError):
            self.end(exceptions.ConnectionError("an answer that is none"))

    def _take(self, reply: object) -> None:
        command = self._asked.popleft()
        if isinstance(reply, exceptions.NoScriptError) and command.or_else:
            command.packed, command.or_else = pack(command.or_else), ()
            self.send([command])
        elif isinstance(reply, Exception):
            command.fail(reply)
        else:
            self.answered = True
            command.succeed(reply)

    def _look(self) -> None:
        """Whether the oldest command has waited for too long."""
        self._watch = None
        if not self._asked:
            return
        left = self._asked[0].sent + self._seconds - self._loop.time()
        if left <= 0:
            self.end(exceptions.TimeoutError("Redis did not answer in time"))
        else:
            self._watch = self._loop.call_later(left, self._look)


def _error(text: str) -> Exception:
    code, _, rest = text.partition(" ")
    kind = _ERRORS.get(code)
    return kind(rest) if kind else exceptions.ResponseError(text)
