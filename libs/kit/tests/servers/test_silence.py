"""A database host that is gone without a word: its connections stay open and nothing comes any more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from kit.errors import Unavailable, from_exception
from kit.postgres import Pool
from kit.testing import MakeDatabase


class Line:
    """Passes bytes on until it is cut; then swallows them."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port, self.cut = host, port, False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(self._pass(reader, onward_writer), self._pass(onward_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await reader.read(65536):
            if not self.cut:
                writer.write(content)
        writer.close()


@asynccontextmanager
async def line_to(dsn: str) -> AsyncGenerator[tuple[Line, str]]:
    """The line, and the DSN that goes through it."""
    parts = urlsplit(dsn)
    line = Line(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    here = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    user = parts.netloc.rpartition("@")[0]
    yield line, parts._replace(netloc=f"{user}@{here}" if user else here).geturl()
    server.close()


async def test_work_without_a_deadline_does_not_wait_for_a_silent_server_for_ever(make_database: MakeDatabase) -> None:
    async with line_to(await make_database()) as (line, dsn):
        pool = Pool(dsn, size=1, patience=0.5)
        assert await pool.fetchval("select 1") == 1
        line.cut = True
        async with asyncio.timeout(10):
            with pytest.raises(Exception) as caught:  # noqa: PT011 the driver's own class
                await pool.fetchval("select 1")
        assert isinstance(from_exception(caught.value), Unavailable)
        line.cut = False
        assert await pool.fetchval("select 1") == 1
        await pool.close()
