"""Where the system is: named by HELIOGRAPH_* variables, or the one that runs on this machine."""

import getpass
import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

SERVICES = ("user", "graph", "post", "feed", "notify", "search")
_PREFIX = "HELIOGRAPH_"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._@\\-]+")


class NoSite(Exception):
    """What is missing, in a line."""


@dataclass(frozen=True)
class Site:
    """`targets` of gRPC by service; `keys` is the folder of signing keys, None when it is not on this machine;
    `tls` that of helio's own certificate, None where services trust whoever calls."""

    targets: Mapping[str, str]
    kafka: str
    topic_prefix: str
    keys: Path | None
    tls: Path | None = None

    def target(self, service: str) -> str:
        """Raises NoSite."""
        if service not in self.targets:
            raise NoSite(f"HELIOGRAPH_{service.upper()}_TARGET is missing: host:port of the {service} service")
        return self.targets[service]


def find(environment: Mapping[str, str]) -> Site:
    """Variables first. Raises NoSite when there are none and nothing runs here."""
    named = {name: environment.get(f"{_PREFIX}{name.upper()}_TARGET", "") for name in SERVICES}
    if any(named.values()):
        keys, tls = environment.get(f"{_PREFIX}TOKEN_KEYS_DIR"), environment.get(f"{_PREFIX}TLS_DIR")
        return Site(
            targets={name: target for name, target in named.items() if target},
            kafka=environment.get(f"{_PREFIX}KAFKA_BOOTSTRAP", ""),
            topic_prefix=environment.get(f"{_PREFIX}TOPIC_PREFIX", "heliograph."),
            keys=Path(keys) if keys else None,
            tls=Path(tls) if tls else None,
        )
    return _local(_root(environment))


def operator(environment: Mapping[str, str]) -> str:
    """Who runs the command, as far as the machine knows. HELIOGRAPH_OPERATOR goes first: in a container everybody is
    the same user."""
    name = environment.get(f"{_PREFIX}OPERATOR") or environment.get("SUDO_USER") or _user()
    return _NOT_IN_A_NAME.sub("_", name)[:100].lstrip("._@\\-") or f"uid{os.getuid()}"


def machine() -> str:
    return socket.gethostname()[:64]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user that the machine has no name for
        return f"uid{os.getuid()}"


def _local(root: Path) -> Site:
    file = root / "ports.json"
    try:
        found: object = json.loads(file.read_text())
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise NoSite(
            f"no system found: none runs in {root} (`make up`), and HELIOGRAPH_USER_TARGET and the others are not set"
        )
    ports, tls = cast("dict[str, Any]", found), root / "tls" / "helio"
    return Site(
        targets={name: f"127.0.0.1:{ports[name]}" for name in SERVICES if name in ports},
        kafka=f"127.0.0.1:{ports['kafka']}" if "kafka" in ports else "",
        topic_prefix="heliograph.",
        keys=root / "secrets" / "token-keys",
        tls=tls if tls.is_dir() else None,
    )


def _root(environment: Mapping[str, str]) -> Path:
    """As `make status` finds it."""
    if chosen := environment.get(f"{_PREFIX}ROOT"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/heliograph")
    state = environment.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "heliograph"
