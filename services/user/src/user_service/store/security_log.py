"""The log of security events."""

from kit.postgres import Connection

from user_service.model import names
from user_service.model.security import SecurityEvent
from user_service.model.sessions import MAX_ADDRESS, MAX_USER_AGENT

_INSERT = (
    "insert into security_events (user_id, kind, address, user_agent, session_id, details) "
    "values ($1, $2, $3, $4, $5, $6)"
)


class SecurityLog:
    async def record(self, conn: Connection, event: SecurityEvent) -> None:
        """In the transaction of what happened."""
        await conn.execute(
            _INSERT,
            event.user_id,
            event.kind.value,
            names.plain(event.device.address)[:MAX_ADDRESS],
            names.plain(event.device.user_agent)[:MAX_USER_AGENT],
            event.session_id,
            dict(event.details),
        )
