"""What AdminService is made of."""

from user_service.service.administration import Administration
from user_service.store.administration import AdminStore
from user_service.wiring.base import Base


def administration_of(base: Base) -> Administration:
    return Administration(
        base.postgres,
        AdminStore(base.postgres, base.accounts),
        base.accounts,
        base.states,
        base.factors,
        base.log,
        requires_factor=base.settings.admin_requires_factor,
        clock=base.clock,
    )
