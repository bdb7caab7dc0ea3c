"""Facts about this machine: who runs the servers, which Java, which memory and disk."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.faults import StackError

JAVA_MINIMUM = 17


@dataclass(frozen=True)
class Account:
    """The user that the backing servers run as."""

    uid: int
    gid: int


def account() -> Account | None:
    """None: the servers run as whoever calls. Root needs another, since Postgres and Elasticsearch refuse it."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("heliograph", "nobody"):
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid)
    raise StackError("no user to run the servers as: create one with `useradd --system heliograph`")


def drop(to: Account | None, *, death_signal: str = "TERM") -> list[str]:
    """Prefix of a command: it runs as `to`, and gets `death_signal` when its parent dies."""
    prefix = ["setpriv", "--pdeathsig", death_signal]
    if to is not None:
        prefix += ["--reuid", str(to.uid), "--regid", str(to.gid), "--clear-groups"]
    return [*prefix, "--"]


def own(folder: Path, to: Account | None) -> Path:
    """Make `folder`, private to `to`. Its parents must let that user through."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    give(folder, to)
    return folder


def give(path: Path, to: Account | None) -> None:
    if to is not None:
        os.chown(path, to.uid, to.gid)


def run(command: Sequence[str], to: Account | None, log: Path, *, what: str) -> None:
    """Run a short command of a server's set-up as `to`. Raises StackError with its last line."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    done = subprocess.run([*drop(to), *command], capture_output=True, text=True, check=False, cwd="/", env=environment)
    if done.returncode:
        text = done.stdout + done.stderr
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
        last = (text.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise StackError(f"cannot {what}: {last[:300]}", log)


def java_home() -> Path:
    """A Java to run the servers with: JAVA_HOME, else 17 when the distribution has it, else the newest."""
    candidates = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    candidates += sorted(Path("/usr/lib/jvm").glob("*"), key=lambda path: ("17" not in path.name, path.name))
    if found := shutil.which("java"):
        candidates.append(Path(found).resolve().parent.parent)
    for candidate in candidates:
        if (candidate / "bin/java").exists() and java_version(candidate) >= JAVA_MINIMUM:
            return candidate
    raise StackError("Java 17 or newer is missing: install openjdk-17-jre-headless")


def java_version(home: Path) -> int:
    """Major version; 0 when it does not answer."""
    try:
        done = subprocess.run([str(home / "bin/java"), "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found.group(1)) if found else 0
