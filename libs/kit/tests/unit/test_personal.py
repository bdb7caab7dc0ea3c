"""Archives in pages, erasures in steps."""

import itertools
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from kit.errors import InvalidArgument
from kit.personal import Found, Piece, Read, erase, export


def counting(total: int, size: int) -> Read:
    async def read(position: str) -> Found:
        start = int(position or 0)
        end = min(start + size, total)
        rows = [{"id": number, "at": datetime(2026, 1, 1, tzinfo=UTC), "likes": 3} for number in range(start, end)]
        files = [Piece(f"{number}.jpg", object_key=f"key/{number}") for number in range(start, end)]
        return Found(rows, str(end) if end < total else "", files)

    return read


async def whole(arrays: dict[str, Read]) -> dict[str, bytes]:
    joined: dict[str, bytes] = defaultdict(bytes)
    token = ""
    while True:
        pieces, token = await export(arrays, token)
        for piece in pieces:
            joined[piece.path] += piece.content
        if not token:
            return joined


@pytest.mark.parametrize(("total", "size"), [(0, 2), (1, 2), (2, 2), (5, 2)])
async def test_the_pieces_of_an_array_make_one_file(total: int, size: int) -> None:
    joined = await whole({"a.json": counting(total, size), "b.json": counting(1, 1)})
    assert [row["id"] for row in json.loads(joined["a.json"])] == [str(number) for number in range(total)]
    assert json.loads(joined["b.json"]) == [{"id": "0", "at": "2026-01-01T00:00:00+00:00", "likes": 3}]


@pytest.mark.parametrize("token", ["x", "7:", ":"])
async def test_a_token_of_no_page_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument):
        await export({"a.json": counting(1, 1)}, token)


def removing(*counts: int) -> Callable[[], Awaitable[int]]:
    left = itertools.chain(counts, itertools.repeat(0))

    async def step() -> int:
        return next(left)

    return step


async def test_every_step_is_taken_to_its_end() -> None:
    assert await erase([removing(2, 3), removing(4)]) == (True, 9)


async def test_an_erasure_pauses_when_its_time_is_over_and_goes_on_later() -> None:
    steps, clock = [removing(2, 3), removing(4)], itertools.count()
    assert await erase(steps, seconds=1, clock=lambda: next(clock)) == (False, 2)
    assert await erase(steps) == (True, 7)
