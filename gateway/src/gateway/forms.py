"""Files, alone or in multipart/form-data, read as they arrive: hashed on the way and never whole in memory."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.errors import Refusal, bad_field

FILE_FIELD = "file"
CHUNK_BYTES = 256 * 1024
_LONGEST_FIELD = 16 * 1024
_MOST_FIELDS = 16
_STALL_SECONDS = 30.0
SLOWEST_BYTES = 16 * 1024
"""A second, from when the first half minute is over: who sends slower, byte by byte, would hold a place for ever."""


class IncomingFile:
    """The bytes so far, in the file `path`, complete after `flush`."""

    def __init__(self, spool: IO[bytes], path: Path) -> None:
        self.path = path
        self._spool, self._hash, self._pending = spool, hashlib.sha256(), bytearray()
        self.size = 0
        self.content_type = ""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def write(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) >= CHUNK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        data, self._pending = bytes(self._pending), bytearray()
        self.size += len(data)
        await asyncio.to_thread(self._take, data)

    def _take(self, data: bytes) -> None:
        self._spool.write(data)
        self._spool.flush()
        self._hash.update(data)


@dataclass(frozen=True)
class Form:
    fields: dict[str, str]
    file: IncomingFile


@asynccontextmanager
async def receive_form(content_type: str, stream: AsyncIterator[bytes]) -> AsyncGenerator[Form]:
    """The form, whose file lives as long as the block. Raises Refusal 400, 408, 415, 422."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Refusal(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "the body must be multipart/form-data",
            headers={"Accept-Post": "multipart/form-data"},
        )
    with tempfile.NamedTemporaryFile(prefix="heliograph-upload-") as spool:
        reader = _Reader(boundary, IncomingFile(spool.file, Path(spool.name)))
        await reader.read(paced(stream, time.monotonic))
        yield Form(reader.fields, reader.file)


@asynccontextmanager
async def receive_file(stream: AsyncIterator[bytes]) -> AsyncGenerator[IncomingFile]:
    """A body that is a file, which lives as long as the block. Raises Refusal 408."""
    with tempfile.NamedTemporaryFile(prefix="heliograph-upload-") as spool:
        file = IncomingFile(spool.file, Path(spool.name))
        async for chunk in paced(stream, time.monotonic):
            await file.write(chunk)
        await file.flush()
        yield file


class _Reader:
    """Callbacks of the parser note what came; `read` acts on it between two chunks, where it may wait."""

    def __init__(self, boundary: bytes, file: IncomingFile) -> None:
        self.file = file
        self.fields: dict[str, str] = {}
        self._seen_file, self._ended = False, False
        self._name, self._text, self._to_file = "", bytearray(), bytearray()
        self._header, self._value, self._headers = bytearray(), bytearray(), dict[str, bytes]()
        self._parser = _parser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        async for chunk in stream:
            try:
                self._parser.write(chunk)
            except FormParserError:
                raise _broken() from None
            if self._to_file:
                data, self._to_file = bytes(self._to_file), bytearray()
                await self.file.write(data)
        if not self._ended:
            raise _broken()
        if not self._seen_file:
            raise bad_field(f"/{FILE_FIELD}", "required")
        await self.file.flush()

    def _begin(self) -> None:
        self._headers, self._text = {}, bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if len(self.fields) >= _MOST_FIELDS:
            raise bad_field(_pointer(self._name), f"more than {_MOST_FIELDS} fields")
        if self._name in self.fields or (self._name == FILE_FIELD and self._seen_file):
            raise bad_field(_pointer(self._name), "may come once")
        if self._name == FILE_FIELD:
            self._seen_file = True
            self.file.content_type = self._headers.get("content-type", b"").decode("latin-1").strip()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE_FIELD:
            self._to_file += data[start:end]
            return
        self._text += data[start:end]
        if len(self._text) > _LONGEST_FIELD:
            raise bad_field(_pointer(self._name), "too long")

    def _on_part_end(self) -> None:
        if self._name != FILE_FIELD:
            try:
                self.fields[self._name] = self._text.decode()
            except UnicodeDecodeError:
                raise bad_field(_pointer(self._name), "not UTF-8") from None

    def _on_end(self) -> None:
        self._ended = True


def _parser(boundary: bytes, callbacks: dict[str, object]) -> MultipartParser:
    try:
        return MultipartParser(boundary, callbacks)  # type: ignore[arg-type] its type is not public
    except FormParserError:
        raise _broken() from None


async def paced(stream: AsyncIterator[bytes], clock: Callable[[], float]) -> AsyncGenerator[bytes]:
    """The stream, as long as it neither stalls nor trickles. Raises Refusal 408."""
    started, received = clock(), 0
    try:
        while True:
            async with asyncio.timeout(_STALL_SECONDS):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            received += len(chunk)
            if clock() - started > _STALL_SECONDS + received / SLOWEST_BYTES:
                raise _too_slow()
            yield chunk
    except TimeoutError:
        raise _too_slow() from None


def _too_slow() -> Refusal:
    return Refusal(408, "BODY_TOO_SLOW", "the body did not arrive in time", headers={"Connection": "close"})


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _broken() -> Refusal:
    return Refusal(400, "BAD_FORM", "the body is not multipart/form-data as its header says")
