"""Queries of log-ins that wait for a second factor."""

from datetime import datetime

from kit.postgres import Postgres, Record

from user_service.model.sign_in import MAX_ATTEMPTS, Pending

# One statement, so that no two attempts count as one.
_ATTEMPT = (
    "update login_challenges set attempts = attempts + 1 where user_id = $1 and challenge_id = $2 "
    "and secret_hash = $3 and expires_at > $4 and attempts < $5 "
    "returning challenge_id, user_id, secret_hash, webauthn, session_epoch, attempts, expires_at"
)


class ChallengeStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def insert(self, pending: Pending) -> int:
        """Answers the new one's id: the given one's is not looked at."""
        return await self._postgres.primary.fetchval(
            "insert into login_challenges (user_id, secret_hash, webauthn, session_epoch, expires_at) "
            "values ($1, $2, $3, $4, $5) returning challenge_id",
            pending.user_id,
            pending.secret_hash,
            pending.webauthn,
            pending.epoch,
            pending.expires_at,
        )

    async def attempt(self, user_id: int, challenge_id: int, secret_hash: bytes, now: datetime) -> Pending | None:
        """Counts an attempt. None when there is no such challenge, it is over, or it has seen all its attempts."""
        arguments = (user_id, challenge_id, secret_hash, now, MAX_ATTEMPTS)
        row = await self._postgres.primary.fetchrow(_ATTEMPT, *arguments)
        return _pending(row) if row else None

    async def use_up(self, user_id: int, challenge_id: int) -> bool:
        """False when somebody else did already: a ticket lets one in."""
        query = "delete from login_challenges where user_id = $1 and challenge_id = $2"
        return await self._postgres.primary.execute(query, user_id, challenge_id) == "DELETE 1"

    async def sweep(self, now: datetime) -> None:
        await self._postgres.primary.execute("delete from login_challenges where expires_at < $1", now)


def _pending(row: Record) -> Pending:
    return Pending(
        id=row["challenge_id"],
        user_id=row["user_id"],
        secret_hash=row["secret_hash"],
        webauthn=row["webauthn"],
        epoch=row["session_epoch"],
        attempts=row["attempts"],
        expires_at=row["expires_at"],
    )
