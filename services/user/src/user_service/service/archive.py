"""An archive on disk: a zip that grows file by file, in as much memory as one chunk needs.

What comes in pieces (JSON) is collected in files of its own first, for a zip takes one file after the other. All of it
blocks, and is meant for a thread.
"""

import shutil
import zipfile
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Self


class Archive:
    """`folder` is empty and nobody else's."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "archive.zip"
        self._parts = folder / "parts"
        self._zip = zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._names: dict[str, Path] = {}

    def __enter__(self) -> Self:
        self._parts.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def add_piece(self, path: str, content: bytes) -> None:
        """To the end of the file at `path`."""
        part = self._names.setdefault(path, self._parts / str(len(self._names)))
        with part.open("ab") as file:
            file.write(content)

    def begin_file(self, path: str) -> IO[bytes]:
        """To be written and closed before the next one begins. Not compressed: pictures and films are already."""
        return self._zip.open(zipfile.ZipInfo(_relative(path)), "w", force_zip64=True)

    def finish(self) -> int:
        """Puts the pieces in. Answers the size of the whole."""
        for path, part in self._names.items():
            info = zipfile.ZipInfo(_relative(path))
            info.compress_type = zipfile.ZIP_DEFLATED
            with part.open("rb") as source, self._zip.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)
            part.unlink()
        self._zip.close()
        return self.path.stat().st_size


def _relative(path: str) -> str:
    """Raises ValueError for a path that would leave the folder it is unpacked into."""
    if path.startswith("/") or "\\" in path or ".." in PurePosixPath(path).parts:
        raise ValueError(f"not a path inside an archive: {path}")
    return path
