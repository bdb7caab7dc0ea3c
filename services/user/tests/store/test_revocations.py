import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kit.postgres import Postgres
from kit.testing import eventually
from user_service.model.sessions import Session, hash_of
from user_service.store.sessions import SessionStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=16)


async def session_of(postgres: Postgres, store: SessionStore, user_id: int) -> int:
    session = Session(
        id=0,
        user_id=user_id,
        user_agent="",
        address="",
        family_hash=hash_of(b"f"),
        token_hash=hash_of(b"t"),
        rotated=(),
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(days=60),
        revoked_at=None,
    )
    async with postgres.primary.transaction() as conn:
        return await store.insert(conn, session)


async def revoke(postgres: Postgres, user_id: int, session_id: int, before_commit: asyncio.Event | None = None) -> None:
    store = SessionStore(postgres)
    async with postgres.primary.transaction() as conn:
        session = await store.lock(conn, user_id, session_id)
        assert session
        await store.revoke(conn, session, now=NOW, until=LATER)
        if before_commit:
            await before_commit.wait()


async def someone_waits_for_a_lock(postgres: Postgres) -> bool:
    return await postgres.primary.fetchval(
        "select exists (select from pg_locks join pg_database on pg_database.oid = pg_locks.database "
        "where datname = current_database() and locktype = 'advisory' and not granted)"
    )


async def test_a_revocation_that_commits_late_keeps_later_ones_waiting(postgres: Postgres) -> None:
    """Else a reader would see the later one, go on from its revision and never learn of the other."""
    store, may_commit = SessionStore(postgres), asyncio.Event()
    slow, fast = await session_of(postgres, store, 1), await session_of(postgres, store, 2)
    first = asyncio.create_task(revoke(postgres, 1, slow, may_commit))
    await eventually(lambda: _advisory_lock_is_held(postgres))
    second = asyncio.create_task(revoke(postgres, 2, fast))
    await eventually(lambda: someone_waits_for_a_lock(postgres))
    assert await store.revocations(0, now=NOW, limit=10) == []
    may_commit.set()
    await asyncio.gather(first, second)
    seen = await store.revocations(0, now=NOW, limit=10)
    assert [revocation.session_id for revocation in seen] == [slow, fast]


async def test_a_reader_that_goes_on_from_what_it_saw_misses_nothing_under_concurrency(postgres: Postgres) -> None:
    store = SessionStore(postgres)
    ids = {user_id: await session_of(postgres, store, user_id) for user_id in range(1, 41)}
    writing = asyncio.gather(*(revoke(postgres, user_id, session_id) for user_id, session_id in ids.items()))
    seen: list[int] = []
    revision = 0

    async def read_on() -> Sequence[int] | None:
        nonlocal revision
        for one in await store.revocations(revision, now=NOW, limit=3):
            revision = one.revision
            seen.append(one.session_id)
        return seen if len(seen) == len(ids) else None

    await eventually(read_on, timeout=30)
    await writing
    assert sorted(seen) == sorted(ids.values())


async def test_what_matters_no_more_is_forgotten(postgres: Postgres) -> None:
    store = SessionStore(postgres)
    await revoke(postgres, 1, await session_of(postgres, store, 1))
    await store.sweep(LATER + timedelta(seconds=1))
    assert await postgres.primary.fetchval("select count(*) from revocations") == 0
    assert await postgres.primary.fetchval("select count(*) from sessions") == 1
    await store.sweep(NOW + timedelta(days=61))
    assert await postgres.primary.fetchval("select count(*) from sessions") == 0


async def _advisory_lock_is_held(postgres: Postgres) -> bool:
    return await postgres.primary.fetchval(
        "select exists (select from pg_locks join pg_database on pg_database.oid = pg_locks.database "
        "where datname = current_database() and locktype = 'advisory' and granted)"
    )
