"""Whether an answer is what was asked for: cheap for each one, thorough for some."""

import itertools
import json
from collections.abc import Sequence

from bench.load.plan import Ask

_FAULTS_KEPT, _SHOWN = 3, 500


class Checker:
    def __init__(self, look_every: int) -> None:
        self._look_every = look_every
        self._first: dict[str, str] = {}
        self._seen = 0
        self.failed = 0
        self.looked_at = 0
        self.faults: list[str] = []

    def check(self, ask: Ask, mark: bytes, status: int, body: bytes) -> bool:
        """Notes what is wrong with it."""
        self._seen += 1
        fault = ""
        if status != ask.status:
            fault = f"status {status}: {body[:200].decode(errors='replace')}"
        elif mark and body.count(mark) != ask.marks:
            fault = f"{body.count(mark)} items instead of {ask.marks}"
        elif mark and self._seen % self._look_every == 0:
            self.looked_at += 1
            fault = self._look(ask, body)
        if fault:
            self.failed += 1
            self.faults += [fault[:_SHOWN]] if len(self.faults) < _FAULTS_KEPT else []
        return not fault

    def _look(self, ask: Ask, body: bytes) -> str:
        items = json.loads(body)["items"]
        ids = [item["id"] for item in items]
        if ask.ids is None:
            return "" if _falling(ids) else f"not newest first, or doubled: {ids}"
        if ids != list(ask.ids):
            return f"the ids are {ids}, not {ask.ids}"
        text = json.dumps(items)
        first = self._first.setdefault(ask.text, text)
        return "" if first == text else f"items have changed: {_difference(first, text)}"


def _falling(ids: Sequence[str]) -> bool:
    numbers = [int(one) for one in ids]
    return all(newer > older for newer, older in itertools.pairwise(numbers))


def _difference(one: str, other: str) -> str:
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"...{one[max(0, at - 40) : at + 40]}... is now ...{other[max(0, at - 40) : at + 40]}..."
