"""Every column of every table of every database, and what of the bucket they know."""

from collections import Counter
from collections.abc import Mapping

import asyncpg

from devstack.erasure.findings import Finding
from devstack.erasure.marks import Marks

_COLUMNS = """
select c.table_name as "table", c.column_name as "column"
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and t.table_type = 'BASE TABLE' order by 1, c.ordinal_position
"""
_PLACES = {
    "post": (
        "select unnest(array[place, next_place, old_place]) from media",
        "select 'uploads/' || id from media",
        "select 'originals/' || author_id || '/' || sha256 from originals",
    ),
    "user": (
        "select avatar_key from accounts",
        "select place from avatar_places",
        "select upload_key from avatar_places",
        "select object_key from exports",
    ),
}


async def resolve(dsn: str, user: str) -> Marks:
    """By id or username, with the names that are still known."""
    connection = await asyncpg.connect(dsn)
    try:
        user_id = int(user) if user.isdecimal() else 0
        row = await connection.fetchrow(
            "select user_id, username, email from accounts where user_id = $1 or username = lower($2)", user_id, user
        )
        if row is None:
            return Marks(user_id, () if user_id else (user.lower(),))
        former = await connection.fetch("select username from former_usernames where user_id = $1", row["user_id"])
        return Marks(row["user_id"], (row["username"], row["email"], *(each["username"] for each in former)))
    finally:
        await connection.close()


async def look(dsns: Mapping[str, str], marks: Marks) -> list[Finding]:
    return [finding for service, dsn in dsns.items() for finding in await _look(service, dsn, marks)]


async def _look(service: str, dsn: str, marks: Marks) -> list[Finding]:
    connection = await asyncpg.connect(dsn)
    try:
        columns: dict[str, list[str]] = {}
        for row in await connection.fetch(_COLUMNS):
            columns.setdefault(row["table"], []).append(row["column"])
        found: Counter[str] = Counter()
        for table, names in columns.items():
            found += await _in_table(connection, f"postgres {service}.{table}", table, names, marks)
        return [Finding(place, count) for place, count in found.items()]
    finally:
        await connection.close()


async def _in_table(
    connection: "asyncpg.Connection[asyncpg.Record]", place: str, table: str, columns: list[str], marks: Marks
) -> Counter[str]:
    """One scan. A column where all that is found are names gets "(words)"."""
    counted = ", ".join(f'count(*) filter (where "{name}"::text ~* $1)' for name in columns)
    row = await connection.fetchrow(f'select {counted} from "{table}"', marks.pattern)  # noqa: S608 from the schema
    found: Counter[str] = Counter()
    for name, count in zip(columns, row or (), strict=False):
        if count:
            query = f'select count(*) from "{table}" where "{name}"::text ~* $1'  # noqa: S608 from the schema
            named = await connection.fetchval(query, marks.words) if marks.words else 0
            found[f"{place}.{name}{' (words)' if named == count else ''}"] += count
    return found


async def places(dsns: Mapping[str, str]) -> set[str]:
    """Objects and folders in the bucket that some row knows."""
    known: set[str] = set()
    for service, queries in _PLACES.items():
        connection = await asyncpg.connect(dsns[service])
        try:
            for query in queries:
                known |= {row[0] for row in await connection.fetch(query) if row[0]}
        finally:
            await connection.close()
    return known
