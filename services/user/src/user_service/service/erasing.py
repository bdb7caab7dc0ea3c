"""Erases accounts whose time of grace is over, in every service, and looks for what came late some days on.

Every step may be repeated. Whoever is killed leaves a claim that ends, and the next one goes on.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from kit import faults, log
from kit.errors import from_exception
from kit.outage import outlast
from kit.outbox import Outbox

from user_service.model.accounts import AccountState
from user_service.model.lifecycle import AccountErased, Erasure, next_sweep
from user_service.service.personal import PersonalData
from user_service.store.accounts import AccountStore
from user_service.store.lifecycle import ErasureStore

_RETRY = timedelta(seconds=30)

logger = log.get(__name__)


class Keeper(Protocol):
    """A service that keeps something about accounts."""

    async def erase(self, user_id: int) -> tuple[bool, int]:
        """Some of it. Whether nothing is left, and how much went."""
        ...


class Erasing:
    """`keepers` are asked one after the other: who takes in what others tell comes before those who tell it, so that
    nothing comes back by the way."""

    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        erasures: ErasureStore,
        own: PersonalData,
        keepers: Mapping[str, Keeper],
        clock: Callable[[], datetime],
        *,
        lease: timedelta,
        poll: float,
    ) -> None:
        self._outbox, self._accounts, self._erasures, self._own = outbox, accounts, erasures, own
        self._keepers, self._clock, self._lease, self._poll = keepers, clock, lease, poll

    async def run(self) -> None:
        """A task."""
        while True:
            if not await outlast(self.advance, what="erasures"):
                await asyncio.sleep(self._poll)

    async def advance(self) -> bool:
        """Whether there was anything to do: one account is brought as far as it goes."""
        claimed = await self._erasures.claim(self._clock(), self._lease)
        if claimed is None:
            return False
        if claimed.erased_at is not None:
            await self._sweep(claimed)
        elif await self._begin(claimed.user_id):
            await self._erase(claimed.user_id)
        else:
            await self._erasures.withdraw(claimed.user_id)
        return True

    async def _begin(self, user_id: int) -> bool:
        """From here on nobody can call it off. False when somebody has."""
        now = self._clock()
        async with self._outbox.transaction() as transaction:
            account = await self._accounts.lock(transaction.conn, user_id)
            due = account is not None and account.delete_after is not None and account.delete_after <= now
            if account is None or not due or account.profile.state is not AccountState.DELETED:
                return False
            await self._erasures.begin(transaction.conn, user_id, now)
        return True

    async def _erase(self, user_id: int) -> None:
        if not await self._everywhere(user_id):
            await self._erasures.pause(user_id, self._clock() + _RETRY)
            return
        faults.point("erasure_before_own")
        await self._own.erase(user_id, AccountErased(user_id, self._clock()))
        faults.point("erasure_after_own")
        logger.info("erased", user_id=user_id)

    async def _sweep(self, claimed: Erasure) -> None:
        if await self._everywhere(claimed.user_id):
            await self._erasures.swept(claimed.user_id, next_sweep(claimed.sweeps + 1, self._clock()))
        else:
            await self._erasures.pause(claimed.user_id, self._clock() + _RETRY)

    async def _everywhere(self, user_id: int) -> bool:
        """Whether nothing is left in any of them. One that is away keeps none of the others waiting."""
        left: list[str] = []
        for name, keeper in self._keepers.items():
            if not await self._in(name, keeper, user_id):
                left.append(name)
            faults.point(f"erasure_after_{name}")
        if left:
            logger.warning("something is left to erase", user_id=user_id, services=left)
        return not left

    async def _in(self, name: str, keeper: Keeper, user_id: int) -> bool:
        """Goes on for as long as anything goes: what is left then needs time."""
        try:
            done, removed = await keeper.erase(user_id)
            while removed and not done:
                await self._erasures.hold(user_id, self._lease)
                done, removed = await keeper.erase(user_id)
            return done
        except Exception as error:
            if from_exception(error) is None:
                raise
            logger.warning("could not erase", service=name, error=repr(error))
            return False
