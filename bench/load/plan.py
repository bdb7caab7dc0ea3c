"""What a generator of load is told, and what it answers: JSON, over its standard input and output."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ask:
    """One request, ready to be sent, and what its answer has to be: a status, and a JSON body that holds `mark` exactly
    `marks` times. `ids` are the ids of the items in their order; None where nobody knows them beforehand."""

    text: str
    status: int = 200
    mark: str = ""
    marks: int = 0
    ids: Sequence[str] | None = None


@dataclass(frozen=True)
class Plan:
    """`rate` requests a second for `seconds`, with exponential gaps, whatever becomes of them; with rate 0 each of the
    `connections` asks again as soon as it was answered. Of `asks` one is drawn for each request. `writes` are sent once
    each, in their order: one after every `reads_a_write` reads, or nothing but writes when that is 0.

    One of `look_every` answers is read through: it has to hold the ids that were told, or ids that fall; and where ids
    were told, the very items that the same request was answered first."""

    host: str
    port: int
    connections: int
    seconds: float
    asks: Sequence[Ask] = ()
    writes: Sequence[Ask] = ()
    rate: float = 0
    reads_a_write: int = 0
    seed: int = 1
    look_every: int = 50

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def loads(text: str) -> "Plan":
        told: dict[str, Any] = json.loads(text)
        asks, writes = ([Ask(**ask) for ask in told.pop(name)] for name in ("asks", "writes"))
        return Plan(**told, asks=asks, writes=writes)


@dataclass(frozen=True)
class Written:
    """The answer to `writes[number]`; times are seconds since the epoch."""

    number: int
    sent_at: float
    answered_at: float
    id: str


@dataclass(frozen=True)
class Outcome:
    """`done` requests were answered, in `seconds` from the first to be sent to the last answer; `failed` of them not as
    they had to be, `looked_at` of them were read through. `ms` are latencies of reads by quantile, from when a request
    was due, `read_ms` all of them; `own_lateness_ms` is how long after that the generator got to sending it, p99,
    connections being free."""

    done: int
    failed: int
    unanswered: int
    looked_at: int
    seconds: float
    own_cpu_seconds: float
    bytes_in: int
    own_lateness_ms: float
    ms: Mapping[str, float]
    write_ms: Mapping[str, float]
    read_ms: Sequence[float] = ()
    written: Sequence[Written] = ()
    faults: Sequence[str] = field(default_factory=tuple)

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def loads(text: str) -> "Outcome":
        told: dict[str, Any] = json.loads(text)
        written = [Written(**one) for one in told.pop("written")]
        return Outcome(**told, written=written)


def request(method: str, path: str, token: str = "", body: object = None, host: str = "127.0.0.1") -> str:  # nosec B107 none
    """Of HTTP/1.1, on a connection that stays."""
    content = "" if body is None else json.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", content])
