"""Which port each process listens on: a default, or what was asked for, remembered in the run folder."""

import json
import os
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.faults import StackError
from devstack.site import read_json

# Below 32768, where the kernel takes ports of outgoing connections from.
FREE_RANGE = range(20000, 32000)
PREFIX = "HELIOGRAPH_PORT_"

SERVER_PORTS: Mapping[str, int] = {
    "postgres": 15432,
    "redis": 16379,
    "kafka": 19092,
    "kafka-controller": 19093,
    "cassandra": 19042,
    "cassandra-storage": 17000,
    "cassandra-tls": 17001,
    "elasticsearch": 19200,
    "elasticsearch-transport": 19300,
    "s3": 19000,
}


def choose(root: Path, defaults: Mapping[str, int], asked: Mapping[str, int], *, free: bool = False) -> dict[str, int]:
    """Ports by name: asked for now, else remembered, else free ones or the defaults. Remembers the answer."""
    known = remembered(root)
    if unknown := sorted(set(asked) - set(defaults)):
        raise StackError(f"no port is called {unknown[0]}; there are {', '.join(sorted(defaults))}")
    fallback = dict(zip(defaults, free_ports(len(defaults)), strict=True)) if free else defaults
    ports = {name: asked.get(name, known.get(name, fallback[name])) for name in defaults}
    _refuse_twins(ports)
    (root / "ports.json").write_text(json.dumps(known | ports, indent=2) + "\n")
    return ports


def remembered(root: Path) -> dict[str, int]:
    return {name: port for name, port in read_json(root / "ports.json").items() if isinstance(port, int)}


def _refuse_twins(ports: Mapping[str, int]) -> None:
    owner: dict[int, str] = {}
    for name, port in ports.items():
        if port in owner:
            raise StackError(f"{owner[port]} and {name} would both listen on port {port}: move one of them")
        owner[port] = name


def wants_free(kind: str) -> bool:
    if kind not in ("fixed", "free"):
        raise StackError(f"--ports is fixed or free, not {kind}")
    return kind == "free"


def asked_for(options: Sequence[str], environment: Mapping[str, str] = os.environ) -> dict[str, int]:
    """From `name=9090` options and HELIOGRAPH_PORT_NAME variables; options win."""
    pairs = [
        (name.removeprefix(PREFIX).lower().replace("_", "-"), value)
        for name, value in environment.items()
        if name.startswith(PREFIX)
    ]
    pairs += [(name, value) for name, _, value in (option.partition("=") for option in options)]
    return {name: _port(name, value) for name, value in pairs}


def _port(name: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise StackError(f"not a port for {name}: {value!r} (a number such as 9090)")
    return int(value)


def free_ports(count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        port = random.choice(FREE_RANGE)  # noqa: S311 (no secret)
        if port not in found and not busy(port):
            found.append(port)
    return found


def busy(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def refuse_busy(ports: Mapping[str, int]) -> None:
    """Raises StackError naming every port that something else holds."""
    taken = [f"{name}={port}" for name, port in ports.items() if busy(port)]
    if taken:
        variable = PREFIX + taken[0].partition("=")[0].upper().replace("-", "_")
        raise StackError(
            f"ports in use by other programs: {', '.join(taken)}; move them, as by {variable}=NUMBER make up"
        )
