"""One stack on this machine: its run folder, ports and secrets."""

import fcntl
import json
import os
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.faults import StackError
from devstack.machine import Account

SOCKET_PATH_LIMIT = 100
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Site:
    """`account` runs the servers (None: the caller), which listen on the address `host`; `java` is a Java home."""

    root: Path
    ports: Mapping[str, int]
    account: Account | None
    java: Path
    host: str = LOOPBACK

    def server(self, name: str) -> Path:
        """Where a server keeps its configuration and data; owned by `account`."""
        return self.root / "servers" / name

    def log(self, name: str) -> Path:
        return log_of(self.root, name)

    def secret(self, name: str) -> str:
        """A random secret of this stack, made when first asked for and kept in a file only its owner reads."""
        path = self.root / "secrets" / name
        if not path.exists():
            write_private(path, secrets.token_hex(24))
        return path.read_text()


def log_of(root: Path, name: str) -> Path:
    return root / "logs" / f"{name}.log"


def default_root() -> Path:
    """Where a stack lives when nobody says. Root's is not below /root, which the servers' user cannot enter."""
    if chosen := os.environ.get("HELIOGRAPH_ROOT"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/heliograph")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "heliograph"


def make_root(root: Path) -> None:
    """Raises StackError when the folder cannot be made or its name is too long for a socket in it."""
    if len(str(root)) > SOCKET_PATH_LIMIT - len("/supervisor.sock"):
        raise StackError(f"the run folder's name is too long for a socket in it, choose a shorter --root: {root}")
    try:
        (root / "logs").mkdir(parents=True, exist_ok=True)
        (root / "servers").mkdir(exist_ok=True)
        (root / "secrets").mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:  # the servers' user passes through, also where mktemp made the folder
            root.chmod(root.stat().st_mode | 0o111)
    except OSError as error:
        raise StackError(f"cannot make the run folder {root}: {error.strerror}") from error


@contextmanager
def starting(root: Path) -> Generator[None]:
    """Only one start of the stack in `root` at a time. Raises StackError where another is under way."""
    make_root(root)
    with (root / "starting.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(f"another start of the stack in {root} is under way: wait for it") from error
        yield


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """An object; empty without the file. Raises StackError when it holds something else."""
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except (ValueError, TypeError) as error:
        raise StackError(f"{path} is damaged: {error}; delete it to have it made again") from error
