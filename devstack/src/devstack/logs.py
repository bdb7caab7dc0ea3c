"""Logs of a stack's processes: the line that tells what went wrong, and showing them."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

TAIL_BYTES = 65536
TELLING = ("error", "exception", "fatal", "bad settings", "cannot", "refused", "denied", "no space", "in use")


def last_useful_line(path: Path, offset: int = 0) -> str:
    """The last line after `offset` that names a fault, else the last one at all; empty without any."""
    lines = [line for line in map(_plain, _tail(path, offset)) if line and not line.lstrip().startswith(("at ", "..."))]
    telling = [line for line in lines if any(word in line.lower() for word in TELLING)]
    return (telling or lines or [""])[-1][:300]


def _tail(path: Path, offset: int) -> list[str]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(offset if offset <= size else 0, size - TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()


def _plain(line: str) -> str:
    """A structured line as event, error and the last line of its traceback."""
    if not line.startswith("{"):
        return line.strip()
    try:
        fields = cast("dict[str, object]", json.loads(line))
    except ValueError:
        return line
    parts = [str(fields.get("event", "")), str(fields.get("error", ""))]
    if trace := str(fields.get("exception", "")).strip():
        parts.append(trace.splitlines()[-1])
    level = str(fields.get("level", ""))
    return " ".join(part for part in (level if level not in ("info", "debug") else "", *parts) if part)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def show(paths: Mapping[str, Path], lines: int, write: Callable[[str], None], *, follow: bool) -> None:
    """The last `lines` of each log; with `follow`, also what is added, until interrupted."""

    def label(name: str) -> str:
        return f"{name:>16} | " if len(paths) > 1 else ""

    for name, path in paths.items():
        _write(write, label(name), _tail(path, 0)[-lines:] if lines else [])
    places = {name: size(path) for name, path in paths.items()}
    while follow:
        time.sleep(0.3)
        for name, path in paths.items():
            now = size(path)
            if now != places[name]:
                start = places[name] if now > places[name] else 0  # rotated
                _write(write, label(name), _tail(path, start))
                places[name] = now


def _write(write: Callable[[str], None], label: str, lines: Iterable[str]) -> None:
    for line in lines:
        write(label + line)
