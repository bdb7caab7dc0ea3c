"""What stands around every guess at a secret of an account: a limit, and a note for the owner when it was wrong."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from kit.errors import Unauthenticated

from user_service.model.limits import Action
from user_service.model.security import Device, Kind
from user_service.service.failures import Failures
from user_service.service.known_devices import KnownDevices
from user_service.service.limits import Limits

_KINDS = {
    Action.LOG_IN: Kind.LOG_IN_FAILED,
    Action.SECOND_FACTOR: Kind.SECOND_FACTOR_FAILED,
    Action.CONFIRM: Kind.CONFIRMATION_FAILED,
}


class Guesses:
    def __init__(self, limits: Limits, devices: KnownDevices, failures: Failures) -> None:
        self._limits, self._devices, self._failures = limits, devices, failures

    @asynccontextmanager
    async def one(
        self, action: Action, about: str, user_ids: Sequence[int], device: Device
    ) -> AsyncGenerator[Sequence[int]]:
        """The block makes the guess, and raises Unauthenticated when it is wrong. `about` names the account as the
        caller does, `user_ids` are those it may mean (0 is nobody). Answers which of them the guess is at, with 0 in
        place of others: a device that one of them knows guesses at that one alone. Else whoever names somebody's
        address for an account of their own could guess at the other's password from as many devices as they like.
        Raises ResourceExhausted TOO_MANY_ATTEMPTS."""
        known = [await self._devices.knows(user_id, device.token) for user_id in user_ids]
        if any(known):
            user_ids = [user_id if knows else 0 for user_id, knows in zip(user_ids, known, strict=True)]
        async with self._limits.guess(action, about, device, known=any(known)):
            try:
                yield user_ids
            except Unauthenticated:
                for user_id in user_ids:
                    self._failures.note(user_id, _KINDS[action], device, by_address="@" in about)
                raise
