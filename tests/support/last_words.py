"""What a whole system said of itself, for who reads of a test that failed and can no longer look into it."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import httpx
from devstack.testing import Stack

_LINES = 12
_NUMBERS = re.compile(r"[0-9.]+")
_WIDTH = 400
_SERVER_WARNS = ("WARN", "ERROR", "GCInspector")
_WAITING = (
    "heliograph_consumer_lag{",
    "heliograph_consumer_age_seconds{",
    "heliograph_breaker_state{",
    "heliograph_outbox_depth{",
    "heliograph_task_restarts_total{",
)


def last_words(stack: Stack) -> str:
    """Each process' last warnings and what waits in it, and the last warnings of servers that are slow to start. Raises
    nothing: the failure that it is said of must not be lost."""
    try:
        ours = [line for name in sorted(stack.running()) for line in _of(stack, name)]
        return "\n".join(ours + [line for name in ("cassandra", "kafka") for line in _of_server(stack, name)])
    except Exception as error:  # noqa: BLE001 as said
        return f"cannot be read: {error!r}"


def _of(stack: Stack, name: str) -> Iterator[str]:
    told = [*_warnings(stack.log(name))[-_LINES:], *_waiting(stack, name)]
    if told:
        yield f"-- {name} (process {stack.pid(name)})"
        yield from (line[:_WIDTH] for line in told)


def _of_server(stack: Stack, name: str) -> Iterator[str]:
    lines = [line for line in stack.server_log(name).splitlines() if any(word in line for word in _SERVER_WARNS)]
    yield f"-- {name}"
    yield from (line[:_WIDTH] for line in lines[-_LINES:])


def _warnings(log: str) -> list[str]:
    """In the order of their last time; what was said often stands there once."""
    last: dict[object, str] = {}
    for line in log.splitlines():
        if _level(line) not in {"debug", "info"}:
            kind = _NUMBERS.sub("", str(_entry(line).get("event", line))) + str(_entry(line).get("group", ""))
            last.pop(kind, None)
            last[kind] = line
    return list(last.values())


def _level(line: str) -> object:
    return _entry(line).get("level")


def _entry(line: str) -> dict[str, Any]:
    with suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict):
            return cast("dict[str, Any]", entry)
    return {}


def _waiting(stack: Stack, name: str) -> list[str]:
    with suppress(httpx.HTTPError, KeyError):
        lines = httpx.get(stack.ops_url(name) + "/metrics", timeout=2, trust_env=False).text.splitlines()
        return [line for line in lines if line.startswith(_WAITING) and float(line.rsplit(" ", 1)[1])]
    return []
