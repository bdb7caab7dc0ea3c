"""The queue of what people want letters for."""

from collections.abc import Sequence
from datetime import timedelta

from kit.postgres import Connection, Postgres

from user_service.model import names
from user_service.model.letters import LetterRequest, Purpose
from user_service.model.security import Device
from user_service.model.sessions import MAX_ADDRESS, MAX_USER_AGENT

_INSERT = "insert into letter_requests (kind, user_id, email, address, user_agent) values ($1, $2, $3, $4, $5)"
# Taken for a while: who dies over one leaves it to others, and none is tried for ever.
_TAKE = """
update letter_requests set attempts = attempts + 1, due_at = clock_timestamp() + $2
where request_id in (
    select request_id from letter_requests where due_at <= clock_timestamp() and attempts < $3
    order by due_at limit $1 for update skip locked
)
returning request_id, kind, user_id, email, address, user_agent, created_at
"""
_MOST_ATTEMPTS = 5
_LEASE = timedelta(seconds=30)


class LetterRequests:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def put(self, conn: Connection, request: LetterRequest) -> None:
        await conn.execute(
            _INSERT,
            request.kind,
            request.user_id,
            request.email,
            names.plain(request.device.address)[:MAX_ADDRESS],
            names.plain(request.device.user_agent)[:MAX_USER_AGENT],
        )

    async def ask(self, request: LetterRequest) -> None:
        """`put` in a transaction of its own."""
        async with self._postgres.primary.acquire() as conn:
            await self.put(conn, request)

    async def take(self, count: int) -> Sequence[LetterRequest]:
        rows = await self._postgres.primary.fetch(_TAKE, count, _LEASE, _MOST_ATTEMPTS)
        return [
            LetterRequest(
                Purpose(row["kind"]),
                row["email"],
                Device(row["address"], row["user_agent"]),
                row["user_id"],
                row["request_id"],
                row["created_at"],
            )
            for row in rows
        ]

    async def done(self, conn: Connection, request: LetterRequest) -> bool:
        """In the transaction of what it led to. False when somebody else was faster."""
        return await conn.execute("delete from letter_requests where request_id = $1", request.id) == "DELETE 1"

    async def sweep(self, age: timedelta) -> int:
        """Forgets those that nobody could answer, and says how many."""
        query = "delete from letter_requests where created_at < clock_timestamp() - $1::interval"
        return int((await self._postgres.primary.execute(query, age)).rpartition(" ")[2])
