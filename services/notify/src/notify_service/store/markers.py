"""Read markers in Postgres."""

from kit.postgres import Postgres


class MarkerStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def read_up_to(self, user_id: int) -> int:
        """0 when nothing was read."""
        found = await self._postgres.primary.fetchval("SELECT up_to_id FROM read_markers WHERE user_id = $1", user_id)
        return found or 0

    async def mark(self, user_id: int, up_to_id: int) -> None:
        """Never moves back."""
        await self._postgres.primary.execute(
            """
            INSERT INTO read_markers AS r (user_id, up_to_id) VALUES ($1, $2)
            ON CONFLICT (user_id) DO UPDATE SET up_to_id = excluded.up_to_id, updated_at = now()
            WHERE r.up_to_id < excluded.up_to_id
            """,
            user_id,
            up_to_id,
        )
