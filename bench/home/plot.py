"""Latency against rate, as SVG."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from bench.home.phases import Point

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 460, 70, 50, 190, 60
_COLOURS = ("#0b6e99", "#c4501b", "#4a7d2f", "#7a3b8f")
_TARGET_MS = 30.0


class _Axes:
    """Both logarithmic: rates by the power of ten, milliseconds likewise."""

    def __init__(self, points: Sequence[Point]) -> None:
        rates, ms = [p.rate for p in points], [p.p50 for p in points] + [p.p99 for p in points] + [_TARGET_MS]
        self.x_low, self.x_high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
        self.y_low, self.y_high = math.floor(math.log10(min(ms))), math.ceil(math.log10(max(ms)))

    def x(self, rate: float) -> float:
        part = (math.log10(rate) - self.x_low) / max(1, self.x_high - self.x_low)
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, ms: float) -> float:
        part = (math.log10(ms) - self.y_low) / max(1, self.y_high - self.y_low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def write(path: Path, points: Sequence[Point]) -> None:
    """`points` of one name are together, their rates rising."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(drawn(points))


def drawn(points: Sequence[Point]) -> str:
    axes = _Axes(points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        ' font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
        _text(_LEFT, 25, "Home feed: latency at a constant rate of requests", size=15),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 15, "requests a second", anchor="middle"),
        _text(_LEFT, _TOP - 8, "ms"),
        *_grid(axes),
        *_target(axes),
    ]
    for number, (name, group) in enumerate(groupby(points, key=lambda point: point.name)):
        parts += _curves(axes, name, list(group), number)
    return "\n".join([*parts, "</svg>", ""])


def _grid(axes: _Axes) -> Iterable[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for power in range(axes.x_low, axes.x_high + 1):
        at = axes.x(10.0**power)
        yield f'<path d="M{at:.1f} {_TOP}V{bottom}" stroke="#ddd"/>'
        yield _text(at, bottom + 18, f"{10**power:g}", anchor="middle")
    for power in range(axes.y_low, axes.y_high + 1):
        at = axes.y(10.0**power)
        yield f'<path d="M{_LEFT} {at:.1f}H{right}" stroke="#ddd"/>'
        yield _text(_LEFT - 8, at + 4, f"{10.0**power:g}", anchor="end")


def _target(axes: _Axes) -> Iterable[str]:
    at = axes.y(_TARGET_MS)
    yield f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#888" stroke-dasharray="2 4"/>'
    yield _text(_WIDTH - _RIGHT + 8, at + 4, f"{_TARGET_MS:g} ms: p99 at 70%")


def _curves(axes: _Axes, name: str, points: Sequence[Point], number: int) -> Iterable[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    for which, dashes in (("p50", ""), ("p99", ' stroke-dasharray="7 4"')):
        spots = [(axes.x(point.rate), axes.y(getattr(point, which))) for point in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots)
        yield _text(_WIDTH - _RIGHT + 8, _TOP + 10 + 40 * number + (18 if which == "p99" else 0),
                    f"{name} {which} {'- - -' if dashes else '——'}", colour=colour)  # fmt: skip


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
