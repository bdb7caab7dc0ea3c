"""Queries of password hashes, and of the tokens in letters."""

from datetime import datetime

from kit.postgres import Connection, Postgres

from user_service.model.letters import Purpose


class CredentialStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def set_password(self, conn: Connection, user_id: int, password_hash: str) -> None:
        """The account's row is locked."""
        await conn.execute(
            "update credentials set password_hash = $2, changed_at = clock_timestamp() where user_id = $1",
            user_id,
            password_hash,
        )

    async def changed_since(self, conn: Connection, user_id: int, moment: datetime) -> bool:
        """Whether the password has been set anew. The account's row is locked."""
        query = "select exists (select from credentials where user_id = $1 and changed_at > $2)"
        return await conn.fetchval(query, user_id, moment)

    async def put_token(
        self, conn: Connection, user_id: int, purpose: Purpose, token_hash: bytes, email: str, expires_at: datetime
    ) -> None:
        """From now on the only good one of this account for this purpose."""
        await conn.execute(
            "insert into letter_tokens (user_id, purpose, token_hash, email, expires_at) values ($1, $2, $3, $4, $5) "
            "on conflict (user_id, purpose) do update set token_hash = excluded.token_hash, email = excluded.email, "
            "expires_at = excluded.expires_at, created_at = clock_timestamp()",
            user_id,
            purpose,
            token_hash,
            email,
            expires_at,
        )

    async def is_good(self, user_id: int, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        query = (
            "select exists (select from letter_tokens where user_id = $1 and purpose = $2 and token_hash = $3 "
            "and expires_at > $4)"
        )
        return await self._postgres.primary.fetchval(query, user_id, purpose, token_hash, now)

    async def take_token(
        self, conn: Connection, user_id: int, purpose: Purpose, token_hash: bytes, now: datetime
    ) -> str | None:
        """Uses it up and answers the address that it was sent to; None when it is not good."""
        query = (
            "delete from letter_tokens where user_id = $1 and purpose = $2 and token_hash = $3 and expires_at > $4 "
            "returning email"
        )
        return await conn.fetchval(query, user_id, purpose, token_hash, now)

    async def drop_tokens(self, conn: Connection, user_id: int, *purposes: Purpose) -> None:
        await conn.execute(
            "delete from letter_tokens where user_id = $1 and purpose = any($2::smallint[])", user_id, list(purposes)
        )

    async def sweep(self, now: datetime) -> None:
        await self._postgres.primary.execute("delete from letter_tokens where expires_at < $1", now)
