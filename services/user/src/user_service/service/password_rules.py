"""Which new passwords are refused."""

import asyncio
from collections.abc import Iterable

from kit.errors import FieldViolation

from user_service.model import errors, names, passwords
from user_service.store.breached import BreachedPasswords


class PasswordRules:
    def __init__(self, breached: BreachedPasswords, shortest: int = names.MIN_PASSWORD) -> None:
        self._breached, self._shortest = breached, shortest

    async def fault(self, password: str, context: Iterable[str]) -> str | None:
        """What is wrong with a new password (folded), or None. `context` are words that have to do with the account."""
        fault = names.password_fault(password, self._shortest) or passwords.weakness(password, context)
        if fault or not await asyncio.to_thread(self._breached.holds, password):
            return fault
        return "is known from a breach: attackers try it"

    async def insist(self, password: str, context: Iterable[str], *, field: str) -> None:
        """Raises InvalidArgument INVALID_FIELD, blaming the field (a JSON pointer)."""
        if fault := await self.fault(password, context):
            raise errors.invalid_fields([FieldViolation(field, fault)])
