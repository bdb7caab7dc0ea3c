"""The file of passwords that are known from breaches: SHA-1 in upper or lower case hex, one a line, in their order, as
Have I Been Pwned hands them out. What follows the hash in a line (":42") does not matter.

The file has tens of gigabytes and stays where it is: a look-up reads some forty lines.
"""

import hashlib
import os
import re
from pathlib import Path

from kit.settings import BadSettings

_HASH = re.compile(rb"[0-9A-Fa-f]{40}(?::\d+)?\s*")
_LONGEST_LINE = 256
_DIGITS = 40


class BreachedPasswords:
    """Without a path no password is in it. Raises BadSettings for a file that cannot be read or is another kind."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            _insist_on_hashes(path)

    def holds(self, password: str) -> bool:
        """Reads the disk: not for the event loop's thread."""
        if self._path is None:
            return False
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _search(file, os.fstat(file).st_size, wanted)
        finally:
            os.close(file)


def _search(file: int, size: int, wanted: bytes) -> bool:
    """The first line that is not below `wanted` begins in [low, high]."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        start, line = _line_after(file, middle)
        if start >= high or line[:_DIGITS].upper() >= wanted:
            high = middle
        else:
            low = start + len(line)
    return _line_after(file, low)[1][:_DIGITS].upper() == wanted


def _line_after(file: int, offset: int) -> tuple[int, bytes]:
    """The first whole line that begins at the offset or later, with its end, and where it begins."""
    if offset == 0:
        return 0, _first(os.pread(file, _LONGEST_LINE, 0))
    # From the character before, which may be the end of the line before.
    read = os.pread(file, 2 * _LONGEST_LINE, offset - 1)
    skipped = read.find(b"\n") + 1
    if not skipped:
        return offset + len(read), b""
    return offset - 1 + skipped, _first(read[skipped:])


def _first(read: bytes) -> bytes:
    end = read.find(b"\n")
    return read if end < 0 else read[: end + 1]


def _insist_on_hashes(path: Path) -> None:
    try:
        with path.open("rb") as file:
            first = file.readline(_LONGEST_LINE)
    except OSError as error:
        raise BadSettings([f"HELIOGRAPH_BREACHED_PASSWORDS_FILE: {error.strerror}"]) from error
    if not _HASH.fullmatch(first):
        raise BadSettings(["HELIOGRAPH_BREACHED_PASSWORDS_FILE: its first line is no SHA-1 in hex"])
