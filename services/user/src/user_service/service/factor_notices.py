"""What an owner is told of the second factors: in the log of security events, and by letter."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from kit.postgres import Connection

from user_service.model.accounts import Account
from user_service.model.mail import Mail
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.store.mail import MailQueue
from user_service.store.security_log import SecurityLog

_WORTH_SENDING = timedelta(days=2)


class FactorNotices:
    def __init__(self, log: SecurityLog, mail: MailQueue, clock: Callable[[], datetime]) -> None:
        self._log, self._mail, self._clock = log, mail, clock

    async def record(self, conn: Connection, user_id: int, kind: Kind, device: Device, **details: str) -> None:
        await self._log.record(conn, SecurityEvent(user_id, kind, device, details=details))

    async def tell(
        self, conn: Connection, account: Account, kind: Kind, device: Device, details: Mapping[str, str]
    ) -> None:
        """Records it, and writes to the owner: whoever has taken an account over should not go unnoticed."""
        await self.record(conn, account.profile.id, kind, device, **details)
        await self.write(conn, account, kind, {"address": device.address, **details})

    async def write(self, conn: Connection, account: Account, kind: Kind, details: Mapping[str, str]) -> None:
        """The letter is named as the kind is. An address that nobody has confirmed may be a stranger's, who would get a
        letter at every whim of the account: it gets none."""
        if not account.email_verified:
            return
        told = {"username": account.profile.username, **details}
        expires_at = self._clock() + _WORTH_SENDING
        await self._mail.put(conn, Mail(account.profile.id, account.email, kind.value, expires_at, told))
