"""Redis for the hottest paths: one connection, on which all commands of a loop tick go out in one write.

    async with open_hot_redis(settings) as redis:
        answer = redis.execute("GET", key)      # on its way already
        flags = redis.register_script(LUA)      # loads itself when Redis does not know it
        found = await flags(keys=[...], args=[...])

Everything else belongs to kit.redis: no transactions, subscriptions, blocking commands or clusters here. What it costs
beside other clients is in ADR 20.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha1
from typing import Any

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge
from redis import exceptions

from kit import log, telemetry
from kit.redisline import Command, Line, Place, Word, pack, place_of
from kit.settings import RedisSettings

CONNECTED = Gauge("heliograph_hot_redis_connected", "1 while the connection for hot paths stands")
QUEUE = Gauge("heliograph_hot_redis_queue", "Commands of hot paths that wait to be sent or answered")
LOST = Counter("heliograph_hot_redis_lost_total", "Connections for hot paths that broke, or were not answered in time")

_SECONDS = 0.5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

logger = log.get(__name__)


@asynccontextmanager
async def open_hot_redis(settings: RedisSettings, seconds: float = _SECONDS) -> AsyncGenerator["HotRedis"]:
    """Connects when first used. A command takes at most `seconds`, and as long again to connect."""
    redis = HotRedis(place_of(settings.redis_url.get_secret_value()), seconds)
    try:
        yield redis
    finally:
        redis.close()


class HotRedis:
    """Answers are those of RESP2: bytes, integers, None, lists. Errors are those of redis.exceptions.

    A command that was on its way when the connection broke is sent once more, so it may be done twice. One that is not
    answered in time ends the connection, for later answers could not be told apart, and those behind it fail with it.
    While Redis is away commands fail at once, between attempts that are up to two seconds apart.
    """

    def __init__(self, place: Place, seconds: float) -> None:
        self._place, self._seconds = place, seconds
        self._line: Line | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: deque[Command] = deque()
        self._failures, self._not_before, self._closed = 0, 0.0, False
        CONNECTED.set_function(lambda: int(self._line is not None))
        QUEUE.set_function(lambda: len(self._waiting) + (self._line.backlog if self._line else 0))

    def execute(self, *words: Word) -> asyncio.Future[Any]:
        """Sends at the end of this tick of the loop, whether it is awaited or not. Raises TypeError at once for what is
        no word."""
        return self._ask(pack(words), words[0])

    def register_script(self, script: str) -> "Script":
        return Script(self, script)

    def close(self) -> None:
        self._closed = True
        if self._connecting:
            self._connecting.cancel()
        if self._line:
            self._line.end(exceptions.ConnectionError("closed"))
        self._fail_waiting("closed")

    def run(self, packed: bytes, by_text: tuple[Word, ...]) -> asyncio.Future[Any]:
        """A script by its sum, packed already; where Redis does not know it, by its text."""
        return self._ask(packed, "EVALSHA", by_text)

    def _ask(self, packed: bytes, name: object, or_else: tuple[Word, ...] = ()) -> asyncio.Future[Any]:
        command = Command(packed, asyncio.get_running_loop().create_future(), or_else)
        if telemetry.is_recording():
            span = telemetry.tracer.start_span(f"redis {name}", kind=SpanKind.CLIENT)
            command.answer.add_done_callback(lambda _: span.end())
        self._queue(command)
        return command.answer

    def _queue(self, command: Command) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(command)

    def _send(self) -> None:
        if self._closed:
            self._fail_waiting("closed")
        elif self._line:
            commands, self._waiting = self._waiting, deque()
            self._line.send(command for command in commands if not command.answer.done())
        elif self._waiting and not self._connecting:
            if asyncio.get_running_loop().time() < self._not_before:
                self._fail_waiting("Redis is away")
            else:
                self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        line = Line(self._seconds, self._lost)
        try:
            async with asyncio.timeout(self._seconds):
                await self._place.open(line)
            self._line = line
        except (OSError, exceptions.RedisError) as error:  # builtin's TimeoutError is an OSError
            logger.warning("cannot connect to Redis", cause=type(error).__name__)
            self._rest()
            self._fail_waiting("cannot connect to Redis")
        finally:
            self._connecting = None
            if self._line is not line:
                line.end(exceptions.ConnectionError("not connected"))
        self._send()

    def _lost(self, line: Line, error: Exception, commands: Sequence[Command]) -> None:
        again: list[Command] = []
        if self._line is line:
            LOST.inc()
            self._line = None
            late = isinstance(error, exceptions.TimeoutError)
            if line.answered:
                self._failures = 0
            if late or not line.answered:
                self._rest()
            again = [command for command in commands if not (late or command.tried)]
        for command in commands:
            command.tried = True
            if command not in again:
                command.fail(error)
        if again:
            self._waiting.extendleft(reversed(again))
            asyncio.get_running_loop().call_soon(self._send)

    def _rest(self) -> None:
        pause = min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 jitter
        self._failures = min(self._failures + 1, 16)
        self._not_before = asyncio.get_running_loop().time() + pause

    def _fail_waiting(self, why: str) -> None:
        commands, self._waiting = self._waiting, deque()
        for command in commands:
            command.fail(exceptions.ConnectionError(why))


class Script:
    """Called as redis-py's scripts are; the call is on its way at once."""

    def __init__(self, redis: HotRedis, text: str) -> None:
        self._redis, self._text = redis, text
        self._sha = sha1(text.encode()).hexdigest()  # noqa: S324 Redis' own name for it

    def __call__(self, keys: Sequence[Word] = (), args: Sequence[Word] = ()) -> asyncio.Future[Any]:
        return self._redis.run(*self._packed(keys, args))

    def packed(self, keys: Sequence[Word] = (), args: Sequence[Word] = ()) -> Callable[[], asyncio.Future[Any]]:
        """The same call, to be made many times: the words are packed once."""
        return partial(self._redis.run, *self._packed(keys, args))

    def _packed(self, keys: Sequence[Word], args: Sequence[Word]) -> tuple[bytes, tuple[Word, ...]]:
        words = (len(keys), *keys, *args)
        return pack(("EVALSHA", self._sha, *words)), ("EVAL", self._text, *words)
