"""Turns all metrics of a process into nothing, when this folder is on its PYTHONPATH. So that a benchmark can say what
they cost: no setting of ours turns them off."""

from typing import Any

from prometheus_client import Counter, Gauge, Histogram


def _itself(metric: Any, *_: Any, **__: Any) -> Any:
    return metric


def _nothing(*_: Any, **__: Any) -> None:
    """In place of a measurement."""


for kind, does in ((Counter, ("inc",)), (Gauge, ("inc", "dec", "set", "set_function")), (Histogram, ("observe",))):
    for name in (*does, "remove"):
        setattr(kind, name, _nothing)
    setattr(kind, "labels", _itself)  # noqa: B010 a type checker would not let it be replaced
