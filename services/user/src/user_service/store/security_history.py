"""What was logged: read by its owner, gathered where it would grow without bounds, forgotten in the end."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Postgres, Record

from user_service.model import names
from user_service.model.security import Device, LoggedEvent, Repeated
from user_service.model.sessions import MAX_ADDRESS, MAX_USER_AGENT

_LIST = (
    "select event_id, kind, address, user_agent, session_id, details, created_at from security_events "
    "where user_id = $1 and ($2::bigint is null or event_id < $2) order by event_id desc limit $3"
)
_AGAIN = """
update security_events set address = $4, user_agent = $5,
    details = details || jsonb_build_object('attempts', ((details ->> 'attempts')::int + $6)::text)
where (user_id, event_id) in (
    select user_id, event_id from security_events
    where user_id = $1 and kind = $2 and event_id > $3 and details ? 'attempts' order by event_id desc limit 1
)
"""
_FIRST = (
    "insert into security_events (user_id, kind, address, user_agent, details) "
    "values ($1, $2, $3, $4, jsonb_build_object('attempts', $5::text))"
)
_CONFIRMED = "select email_verified from accounts where user_id = $1"
_SWEEP = "delete from security_events where created_at < $1"


class SecurityHistory:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of(self, user_id: int, *, before: int | None, limit: int) -> Sequence[LoggedEvent]:
        """Newest first, from those with an id lower than `before`."""
        rows = await self._postgres.primary.fetch(_LIST, user_id, before, limit)
        return [_event(row) for row in rows]

    async def repeat(self, repeated: Repeated, since: datetime) -> None:
        """Adds to the newest event of the kind that came after `since`, else makes one. Two processes at once may each
        make one. Nothing when the account was meant by an address that is not confirmed."""
        device, user_id, kind = repeated.device, repeated.user_id, repeated.kind.value
        address, user_agent = names.plain(device.address)[:MAX_ADDRESS], names.plain(device.user_agent)[:MAX_USER_AGENT]
        oldest = int(since.timestamp() * 1000) << 16  # ids begin with their time
        async with self._postgres.primary.transaction() as conn:
            if repeated.by_address and not await conn.fetchval(_CONFIRMED, user_id):
                return
            done = await conn.execute(_AGAIN, user_id, kind, oldest, address, user_agent, repeated.attempts)
            if done == "UPDATE 0":
                await conn.execute(_FIRST, user_id, kind, address, user_agent, str(repeated.attempts))

    async def sweep(self, before: datetime) -> None:
        await self._postgres.primary.execute(_SWEEP, before)


def _event(row: Record) -> LoggedEvent:
    return LoggedEvent(
        id=row["event_id"],
        kind=row["kind"],
        device=Device(row["address"], row["user_agent"]),
        session_id=row["session_id"] or 0,
        details=row["details"],
        created_at=row["created_at"],
    )
