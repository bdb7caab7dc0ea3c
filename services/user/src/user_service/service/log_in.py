"""Use cases of logging in with a client of our own: from the proof of who one is to a session."""

from dataclasses import dataclass

from user_service.model.accounts import Account
from user_service.model.scopes import scopes_of
from user_service.model.security import Device
from user_service.model.sign_in import Challenge, Proof
from user_service.service.sessions import Granted, Sessions
from user_service.service.sign_in import SignIn


@dataclass(frozen=True)
class LogIns:
    sign_in: SignIn
    sessions: Sessions

    async def log_in(self, login: str, password: str, device: Device) -> Granted | Challenge:
        """Raises what SignIn.start does."""
        found = await self.sign_in.start(login, password, device)
        return found if isinstance(found, Challenge) else await self._open(found, device)

    async def finish(self, ticket: str, proof: Proof, device: Device) -> Granted:
        """Raises what SignIn.finish does."""
        return await self._open(await self.sign_in.finish(ticket, proof, device), device)

    async def _open(self, account: Account, device: Device) -> Granted:
        return await self.sessions.open(account, device, scopes=scopes_of(account.role))
