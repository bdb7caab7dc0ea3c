"""What AdminService is made of."""

from kit.postgres import Connection

from user_service.service.administration import Administration
from user_service.store.administration import AdminStore
from user_service.store.factors import FactorStore
from user_service.store.passkeys import PasskeyStore
from user_service.wiring.base import Base


def administration_of(base: Base) -> Administration:
    return Administration(
        base.postgres,
        AdminStore(base.postgres, base.accounts),
        base.accounts,
        base.states,
        _Lost(FactorStore(base.postgres), PasskeyStore(base.postgres)),
        base.log,
        requires_factor=base.settings.admin_requires_factor,
        clock=base.clock,
    )


class _Lost:
    def __init__(self, factors: FactorStore, passkeys: PasskeyStore) -> None:
        self._factors, self._passkeys = factors, passkeys

    async def reset(self, conn: Connection, user_id: int) -> None:
        await self._factors.remove_all(conn, user_id)
        await self._passkeys.remove_all(conn, user_id)
