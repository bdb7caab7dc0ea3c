"""What a whole system said of itself, for who reads of a test that failed and can no longer look into it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import httpx
from devstack.testing import Stack

_LINES = 8
_WIDTH = 400
_WAITING = ("heliograph_consumer_lag{", "heliograph_consumer_age_seconds{", "heliograph_breaker_state{")


def last_words(stack: Stack) -> str:
    """Each process' last warnings, and what waits in it."""
    return "\n".join(line for name in sorted(stack.running()) for line in _of(stack, name))


def _of(stack: Stack, name: str) -> Iterator[str]:
    told = [*_warnings(stack.log(name))[-_LINES:], *_waiting(stack, name)]
    if told:
        yield f"-- {name} (process {stack.pid(name)})"
        yield from (line[:_WIDTH] for line in told)


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
