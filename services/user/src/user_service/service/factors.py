"""Proofs of second factors: codes of an app, recovery codes, passkeys."""

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres

from user_service.model import errors
from user_service.model.factors import Passkey, Totp, hash_of_code, wait_of, went_on
from user_service.model.security import Device, Kind
from user_service.model.sign_in import Proof
from user_service.service import totp as codes
from user_service.service.factor_notices import FactorNotices
from user_service.service.relying_party import Claim, RelyingParty
from user_service.service.sealing import Seals
from user_service.store.accounts import AccountStore
from user_service.store.factors import FactorStore
from user_service.store.passkeys import PasskeyStore


class Factors:
    """Implements service.sign_in.SecondFactors."""

    def __init__(
        self,
        postgres: Postgres,
        store: FactorStore,
        passkeys: PasskeyStore,
        accounts: AccountStore,
        notices: FactorNotices,
        seals: Seals,
        party: RelyingParty,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._store, self._passkeys, self._accounts = postgres, store, passkeys, accounts
        self._notices, self._seals, self._party, self._clock = notices, seals, party, clock

    async def methods(self, user_id: int) -> Sequence[str]:
        """Of "totp", "recovery_code", "passkey". Empty when the password alone is enough."""
        return (await self._store.of(user_id)).methods

    async def passkey_options(self, user_id: int, challenge: bytes) -> str:
        """For the passkeys of this account, in JSON; empty when it has none."""
        known = await self._passkeys.of(user_id)
        return self._party.request(challenge, known, verified=False) if known else ""

    def log_in_options(self, challenge: bytes) -> str:
        """For a log-in by passkey alone, in JSON: any passkey whose authenticator makes sure of its owner."""
        return self._party.request(challenge, (), verified=True)

    async def verify(self, user_id: int, proof: Proof, challenge: bytes, device: Device) -> bool:
        """Uses up what is good only once: a code, and all older ones; a recovery code; a passkey's answer, by its
        counter (the challenge is the caller's to give once). False for whatever is wrong. Raises ResourceExhausted
        TOO_MANY_ATTEMPTS for codes of an app after many wrong ones."""
        if sum(map(bool, (proof.code, proof.recovery_code, proof.assertion))) != 1:
            return False
        if proof.code:
            return await self._verify_code(user_id, proof.code)
        if proof.recovery_code:
            return await self._use_recovery_code(user_id, proof.recovery_code, device)
        claim = self._party.claim(proof.assertion)
        return bool(claim and await self._verify_claim(user_id, claim, challenge, device, verified=False))

    async def identify(self, assertion: str, challenge: bytes, device: Device) -> int | None:
        """Whose passkey gave this answer to `log_in_options`: two factors in one, since the authenticator has made sure
        of its owner. None for whatever is wrong. The caller gives each challenge once."""
        claim = self._party.claim(assertion)
        user_id = await self._passkeys.owner(claim.credential_id) if claim else None
        if claim is None or user_id is None or claim.handle is None:
            return None
        return user_id if await self._verify_claim(user_id, claim, challenge, device, verified=True) else None

    async def reset(self, conn: Connection, user_id: int) -> None:
        """Takes every factor away and writes to the owner: the password alone lets in again. The account's row is
        locked, and the caller records what happened."""
        await self.erase(conn, user_id)
        if account := await self._accounts.lock(conn, user_id):
            await self._notices.write(conn, account, Kind.SECOND_FACTOR_RESET, {})

    async def erase(self, conn: Connection, user_id: int) -> None:
        """Takes every trace of factors away. The account's row is locked."""
        await self._store.remove_all(conn, user_id)
        await self._passkeys.remove_all(conn, user_id)

    async def renew_seals(self, *, batch: int = 100) -> int:
        """Seals what is under an older key again, under the newest. Answers how many."""
        renewed = 0
        while waiting := await self._store.sealed_with_others(self._seals.newest, batch):
            for user_id in waiting:
                async with self._postgres.primary.transaction() as conn:
                    if totp := await self._store.lock_totp(conn, user_id):
                        await self._reseal(conn, user_id, totp)
            renewed += len(waiting)
        return renewed

    async def _verify_code(self, user_id: int, typed: str) -> bool:
        now = self._clock()
        async with self._postgres.primary.transaction() as conn:
            totp = await self._store.lock_totp(conn, user_id)
            if totp is None or totp.confirmed_at is None:
                return False
            if wait := wait_of(totp, now):
                raise errors.too_many_attempts(wait.total_seconds())
            secret = self._seals.open(user_id, totp.secret)
            step = codes.matching_step(secret, typed, now, after=totp.last_step)
            if step is None:
                await self._store.count_wrong_code(conn, user_id, now)
                return False
            await self._store.take_step(conn, user_id, step, now)
        return True

    async def _use_recovery_code(self, user_id: int, typed: str, device: Device) -> bool:
        async with self._postgres.primary.transaction() as conn:
            account = await self._accounts.lock(conn, user_id)
            used = await self._store.use_code(conn, user_id, hash_of_code(typed), self._clock())
            if account is None or not used:
                return False
            left = str(await self._store.codes_left(conn, user_id))
            await self._notices.tell(conn, account, Kind.RECOVERY_CODE_USED, device, {"left": left})
        return True

    async def _verify_claim(
        self, user_id: int, claim: Claim, challenge: bytes, device: Device, *, verified: bool
    ) -> bool:
        if not await self._is_handle_of(user_id, claim):
            return False
        async with self._postgres.primary.transaction() as conn:
            passkey = await self._passkeys.lock(conn, user_id, claim.credential_id)
            if passkey is None:
                return False
            count = self._party.sign_count(claim, passkey, challenge, verified=verified)
            if count is None:
                return False
            if went_on(passkey.sign_count, count):
                await self._passkeys.count_use(conn, passkey, count, self._clock())
                return True
        await self._warn_of_clone(passkey, device)
        return False

    async def _is_handle_of(self, user_id: int, claim: Claim) -> bool:
        """Authenticators may leave the handle out when they were told which passkeys to use."""
        handle = await self._passkeys.handle(user_id)
        return claim.handle is None or (handle is not None and hmac.compare_digest(claim.handle, handle))

    async def _warn_of_clone(self, passkey: Passkey, device: Device) -> None:
        """The answer is right and its counter did not go on: somebody else has the key, or had it."""
        async with self._postgres.primary.transaction() as conn:
            if account := await self._accounts.lock(conn, passkey.user_id):
                told = {"passkey": passkey.name}
                await self._notices.tell(conn, account, Kind.PASSKEY_CLONE_SUSPECTED, device, told)

    async def _reseal(self, conn: Connection, user_id: int, totp: Totp) -> None:
        secret = self._seals.open(user_id, totp.secret)
        await self._store.reseal(conn, user_id, self._seals.seal(user_id, secret))
