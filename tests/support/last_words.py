"""What a whole system said of itself, for who reads of a test that failed and can no longer look into it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import httpx
from devstack.testing import Stack

_LINES = 8
_WIDTH = 400
_SERVER_WARNS = ("WARN", "ERROR", "GCInspector")
_WAITING = ("heliograph_consumer_lag{", "heliograph_consumer_age_seconds{", "heliograph_breaker_state{")


def last_words(stack: Stack) -> str:
    """Each process' last warnings and what waits in it, and the last warnings of servers that are slow to start."""
    ours = [line for name in sorted(stack.running()) for line in _of(stack, name)]
    return "\n".join(ours + [line for name in ("cassandra", "kafka") for line in _of_server(stack, name)])


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
    return [line for line in log.splitlines() if _level(line) not in {"debug", "info"}]


def _level(line: str) -> object:
    with suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict):
            return cast("dict[str, Any]", entry).get("level")
    return None


def _waiting(stack: Stack, name: str) -> list[str]:
    with suppress(httpx.HTTPError, KeyError):
        lines = httpx.get(stack.ops_url(name) + "/metrics", timeout=2, trust_env=False).text.splitlines()
        return [line for line in lines if line.startswith(_WAITING) and float(line.rsplit(" ", 1)[1])]
    return []
