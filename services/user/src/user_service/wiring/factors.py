"""Second factors as their owners see and change them."""

import asyncio

from kit.server import Task

from user_service.rpc.factors import FactorRpc
from user_service.service.confirmations import Confirmations
from user_service.service.factor_changes import FactorChanges
from user_service.service.factor_notices import FactorNotices
from user_service.service.passkeys import Passkeys
from user_service.store.factors import FactorStore
from user_service.store.passkeys import PasskeyStore
from user_service.wiring.base import Base

_PAUSE_SECONDS = 600.0


def factor_rpc_of(base: Base) -> FactorRpc:
    settings, store, passkeys = base.settings, FactorStore(base.postgres), PasskeyStore(base.postgres)
    notices = FactorNotices(base.log, base.mail, base.clock)
    confirmations = Confirmations(base.sign_in, base.entrance.guesses, base.factors, passkeys, base.clock)
    changes = FactorChanges(
        base.postgres, base.accounts, store, passkeys, confirmations, notices, settings.seals, base.clock
    )
    owned = Passkeys(changes, confirmations, store, passkeys, settings.relying_party, base.clock)
    return FactorRpc(changes, owned, confirmations)


def factor_care_of(base: Base) -> Task:
    """A task: forgets what was never finished, and seals secrets under the newest key."""
    store, passkeys = FactorStore(base.postgres), PasskeyStore(base.postgres)

    async def care_for_factors() -> None:
        while True:
            await store.sweep(base.clock())
            await passkeys.sweep(base.clock())
            await base.factors.renew_seals()
            await asyncio.sleep(_PAUSE_SECONDS)

    return care_for_factors
