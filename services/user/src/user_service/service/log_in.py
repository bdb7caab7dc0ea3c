"""Use cases of logging in with a client of our own: from the proof of who one is to a session."""

from dataclasses import dataclass, field

from user_service.model.accounts import Account
from user_service.model.scopes import scopes_of
from user_service.model.security import Device
from user_service.model.sign_in import Challenge, Proof
from user_service.service.known_devices import KnownDevices
from user_service.service.sessions import Granted, Sessions
from user_service.service.sign_in import SignIn


@dataclass(frozen=True)
class LoggedIn:
    """`device_token` is to be shown at the next log-in from this device."""

    granted: Granted
    device_token: str = field(repr=False)


class LogIns:
    """Each way in raises what the step of SignIn does that it is named after."""

    def __init__(self, sign_in: SignIn, sessions: Sessions, devices: KnownDevices) -> None:
        self._sign_in, self._sessions, self._devices = sign_in, sessions, devices

    async def start(self, login: str, password: str, device: Device, *, cancel_deletion: bool) -> LoggedIn | Challenge:
        found = await self._sign_in.start(login, password, device, cancel_deletion=cancel_deletion)
        return found if isinstance(found, Challenge) else await self._open(found, device)

    async def finish(self, ticket: str, proof: Proof, device: Device, *, cancel_deletion: bool) -> LoggedIn:
        account = await self._sign_in.finish(ticket, proof, device, cancel_deletion=cancel_deletion)
        return await self._open(account, device)

    async def start_passkey(self) -> Challenge:
        return await self._sign_in.start_passkey()

    async def finish_passkey(self, ticket: str, assertion: str, device: Device, *, cancel_deletion: bool) -> LoggedIn:
        account = await self._sign_in.finish_passkey(ticket, assertion, device, cancel_deletion=cancel_deletion)
        return await self._open(account, device)

    async def _open(self, account: Account, device: Device) -> LoggedIn:
        granted = await self._sessions.open(account, device, scopes=scopes_of(account.role))
        return LoggedIn(granted, await self._devices.remember(account.profile.id, device.token))
