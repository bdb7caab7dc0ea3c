"""Cassandra keyspaces of a test run."""

import asyncio
import secrets
from pathlib import Path

from kit.settings import CassandraSettings


class Keyspaces:
    """Blocks in threads, because it outlives each test's event loop."""

    def __init__(self, servers: dict[str, str]) -> None:
        self._servers = servers
        self._made: dict[Path, str] = {}

    async def empty(self, folder: Path) -> str:
        return await asyncio.to_thread(self._empty, folder)

    def drop(self) -> None:
        for name in self._made.values():
            self._run(name, f"drop keyspace if exists {name}")

    def _empty(self, folder: Path) -> str:
        from kit import cassandra  # the driver is an extra that only some services install

        folder = folder.resolve()
        if folder not in self._made:
            name = self._made[folder] = f"test_{secrets.token_hex(8)}"
            cassandra.migrate(self._settings(name), folder)
            return name
        cassandra.empty(self._settings(self._made[folder]))
        return self._made[folder]

    def _run(self, keyspace: str, statement: str) -> None:
        from kit import cassandra

        cassandra.run(self._settings(keyspace), statement)

    def _settings(self, keyspace: str) -> CassandraSettings:
        return CassandraSettings.model_validate(
            {
                "cassandra_contact_points": self._servers["HELIOGRAPH_CASSANDRA_CONTACT_POINTS"],
                "cassandra_local_dc": self._servers["HELIOGRAPH_CASSANDRA_LOCAL_DC"],
                "cassandra_keyspace": keyspace,
            }
        )
