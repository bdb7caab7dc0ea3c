"""What the feed is built to reach, by the names of results."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Target:
    """A bound of a result's ratio, or of its value."""

    bound: float
    at_least: bool
    of_ratio: bool

    def met(self, value: float, ratio: float | None) -> bool:
        found = ratio if self.of_ratio else value
        return found is not None and (found >= self.bound if self.at_least else found <= self.bound)

    def __str__(self) -> str:
        return f"{'ratio ' if self.of_ratio else ''}{'>=' if self.at_least else '<='} {self.bound:g}"


def _times(bound: float) -> Target:
    return Target(bound, at_least=True, of_ratio=True)


def _most(bound: float) -> Target:
    return Target(bound, at_least=False, of_ratio=False)


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "home_cpu_vs_static": _times(0.15),
        "home_cpu_vs_static_uncached": _times(0.08),
        "home_rps_vs_textbook": _times(8),
        "home_p99_ms_at_70": _most(30),
        "read_cost_growth": Target(1.2, at_least=False, of_ratio=True),
        "rpc_cpu_vs_unary": _times(3),
        "fanout_vs_stream_framework": _times(15),
        "fanout_vs_execute_concurrent": _times(4),
        "fanout_us_per_row": _most(40),
        "visible_10k_p99_ms": _most(1000),
        "small_beside_large_p99_ms": _most(1000),
        "celebrity_visible_ms": _most(5000),
        "celebrity_pushed_visible_ms": _most(30_000),
        "relay_p99_ms": _most(50),
        "likes_vs_single": _times(5),
        "telemetry_p99_ms": Target(1.05, at_least=False, of_ratio=True),
    }
)
