"""A whole system that is looked at."""

from dataclasses import dataclass

from devstack.processes import MAIL, TABLE
from devstack.testing import Stack

from support.collector import Collector
from support.system import UNLIMITED

PROCESSES = tuple(process.name for process in TABLE if process.name != MAIL)  # those that tell of themselves


@dataclass(frozen=True)
class Observed:
    """`collector` gets a span of everything."""

    stack: Stack
    collector: Collector


def environment(endpoint: str) -> dict[str, dict[str, str]]:
    """Every request is traced, and may say where it came from, as behind a proxy."""
    traced = {"HELIOGRAPH_OTLP_ENDPOINT": endpoint, "HELIOGRAPH_TRACE_SAMPLE_RATIO": "1"}
    found = {name: traced | UNLIMITED.get(name, {}) for name in PROCESSES}
    found["gateway"]["HELIOGRAPH_TRUSTED_PROXIES"] = "127.0.0.1/32"
    return found
