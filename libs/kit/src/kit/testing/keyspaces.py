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
        from kit.cql import blocking_session

        for name in self._made.values():
            with blocking_session(self._settings(name)) as session:
                session.execute(f"drop keyspace if exists {name}")

    def _empty(self, folder: Path) -> str:
        from kit.cql import blocking_session, migrate  # an extra that only some services install

        folder = folder.resolve()
        if folder not in self._made:
            name = f"test_{secrets.token_hex(8)}"
            migrate(self._settings(name), folder)
            self._made[folder] = name
            return name
        name = self._made[folder]
        with blocking_session(self._settings(name)) as session:
            for table in set(session.cluster.metadata.keyspaces[name].tables) - {"schema_version", "schema_lease"}:
                if session.execute(f"select * from {name}.{table} limit 1").one():  # noqa: S608 names of our own
                    session.execute(f"truncate {name}.{table}")
        return name

    def _settings(self, keyspace: str) -> CassandraSettings:
        return CassandraSettings.model_validate(
            {
                "cassandra_contact_points": self._servers["HELIOGRAPH_CASSANDRA_CONTACT_POINTS"],
                "cassandra_local_dc": self._servers["HELIOGRAPH_CASSANDRA_LOCAL_DC"],
                "cassandra_keyspace": keyspace,
            }
        )
