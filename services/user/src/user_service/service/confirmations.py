"""What stands before every change of the second factors: the password, and a proof of a factor where there is one."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from user_service.model import errors, factor_errors
from user_service.model.factors import CHALLENGE, Purpose
from user_service.model.limits import Action
from user_service.model.security import Device
from user_service.model.sessions import SECRET_BYTES, hash_of
from user_service.model.sign_in import Proof
from user_service.service.factors import Factors
from user_service.service.guesses import Guesses
from user_service.service.relying_party import CHALLENGE_BYTES
from user_service.service.sign_in import SignIn
from user_service.store.passkeys import PasskeyStore


@dataclass(frozen=True)
class Confirmation:
    """`ticket` is that of the challenge which a passkey's answer in `proof` is to."""

    password: str = field(repr=False)
    proof: Proof = field(default_factory=Proof, repr=False)
    ticket: str = field(default="", repr=False)


@dataclass(frozen=True)
class PasskeyOptions:
    """`options` is what a page hands to navigator.credentials, in JSON; the ticket goes back with the answer."""

    ticket: str = field(repr=False)
    options: str
    expires_at: datetime


class Confirmations:
    """A stolen session changes nothing, and neither does a stolen password with it, once there is a factor."""

    def __init__(
        self,
        sign_in: SignIn,
        guesses: Guesses,
        factors: Factors,
        passkeys: PasskeyStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._sign_in, self._guesses, self._factors = sign_in, guesses, factors
        self._passkeys, self._clock = passkeys, clock

    async def insist(self, user_id: int, given: Confirmation, device: Device) -> None:
        """Raises Unauthenticated BAD_CREDENTIALS or BAD_SECOND_FACTOR, PermissionDenied SECOND_FACTOR_REQUIRED when a
        proof is due and there is none, ResourceExhausted TOO_MANY_ATTEMPTS."""
        await self._sign_in.confirm(user_id, given.password, device)
        if not await self._factors.methods(user_id):
            return
        if given.proof == Proof():
            raise factor_errors.second_factor_required()
        challenge = await self.take(user_id, given.ticket, Purpose.PROOF) if given.proof.assertion else b""
        async with self._guesses.one(Action.SECOND_FACTOR, str(user_id), [user_id], device):
            if challenge is None or not await self._factors.verify(user_id, given.proof, challenge, device):
                raise errors.bad_second_factor()

    async def begin_proof(self, user_id: int) -> PasskeyOptions:
        """To confirm a change with a passkey. Raises NotFound PASSKEY_NOT_FOUND without one."""
        ticket, challenge, expires_at = await self.challenge(user_id, Purpose.PROOF)
        options = await self._factors.passkey_options(user_id, challenge)
        if not options:
            raise factor_errors.passkey_not_found()
        return PasskeyOptions(ticket, options, expires_at)

    async def challenge(self, user_id: int, purpose: Purpose) -> tuple[str, bytes, datetime]:
        """A new one, kept until it is taken or too old: ticket, challenge, and when it is."""
        ticket, challenge = secrets.token_urlsafe(SECRET_BYTES), secrets.token_bytes(CHALLENGE_BYTES)
        expires_at = self._clock() + CHALLENGE
        await self._passkeys.put_challenge(user_id, hash_of(ticket.encode()), purpose, challenge, expires_at)
        return ticket, challenge, expires_at

    async def take(self, user_id: int, ticket: str, purpose: Purpose) -> bytes | None:
        """The challenge, once."""
        hashed = hash_of(ticket.encode(errors="replace"))
        return await self._passkeys.take_challenge(user_id, hashed, purpose, self._clock())
