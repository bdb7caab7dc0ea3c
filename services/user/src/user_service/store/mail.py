"""The queue of mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.postgres import Connection, Postgres

from user_service.model.mail import Mail

_INSERT = "insert into mail_queue (user_id, recipient, template, variables, expires_at) values ($1, $2, $3, $4, $5)"
# Taken for a while, not locked: sending takes long, and who dies over it leaves the letter to others.
_TAKE = """
update mail_queue set attempts = attempts + 1, due_at = clock_timestamp() + $2
where (user_id, mail_id) in (
    select user_id, mail_id from mail_queue where due_at <= clock_timestamp()
    order by due_at limit $1 for update skip locked
)
returning user_id, mail_id, recipient, template, variables, attempts, expires_at
"""
_STATE = """
select count(*) as depth, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age
from (select created_at from mail_queue limit 10001) as waiting
"""


@dataclass(frozen=True)
class Due:
    """A letter that is to be sent now, for the `attempts`-th time."""

    id: int
    mail: Mail
    attempts: int


class MailQueue:
    async def put(self, conn: Connection, mail: Mail) -> None:
        """In the transaction that gives reason for the letter: it goes out if that is committed."""
        await conn.execute(_INSERT, mail.user_id, mail.recipient, mail.template, dict(mail.variables), mail.expires_at)


class Outbound:
    """The other end of the queue."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def take(self, count: int, lease: timedelta) -> Sequence[Due]:
        """Letters that nobody else takes for as long as the lease."""
        rows = await self._postgres.primary.fetch(_TAKE, count, lease)
        return [
            Due(
                row["mail_id"],
                Mail(row["user_id"], row["recipient"], row["template"], row["expires_at"], row["variables"]),
                row["attempts"],
            )
            for row in rows
        ]

    async def done(self, due: Due) -> None:
        query = "delete from mail_queue where user_id = $1 and mail_id = $2"
        await self._postgres.primary.execute(query, due.mail.user_id, due.id)

    async def retry(self, due: Due, after: timedelta) -> None:
        query = "update mail_queue set due_at = clock_timestamp() + $3 where user_id = $1 and mail_id = $2"
        await self._postgres.primary.execute(query, due.mail.user_id, due.id, after)

    async def state(self) -> tuple[int, float]:
        """How many letters wait (counted to 10,001), and how many seconds the oldest has waited."""
        row = await self._postgres.primary.fetchrow(_STATE)
        return (row["depth"], row["age"]) if row else (0, 0.0)


def has_expired(due: Due, now: datetime) -> bool:
    return due.mail.expires_at <= now
