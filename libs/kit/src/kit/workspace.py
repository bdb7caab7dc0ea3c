"""Private folders for files in work, removed whatever happens: at the latest when the next worker starts."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "in-use"


class Workspace:
    def __init__(self, home: Path) -> None:
        self._home = home

    @contextmanager
    def folder(self) -> Generator[Path]:
        """A new folder that only this user may read."""
        with tempfile.TemporaryDirectory(dir=self._home, prefix="job-") as path:
            yield Path(path)


@contextmanager
def open_workspace(root: Path) -> Generator[Workspace]:
    """A home under `root` for this process. Removes the homes that killed processes left."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in root.iterdir():
        _remove_if_unused(left)
    home = Path(tempfile.mkdtemp(dir=root, prefix="worker-"))
    with _locked(home):
        try:
            yield Workspace(home)
        finally:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _locked(home: Path) -> Generator[None]:
    """The lock ends with the process, however that ends."""
    descriptor = os.open(home / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_if_unused(home: Path) -> None:
    try:
        descriptor = os.open(home / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return  # not one of ours, or one that is just being made
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(home, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
