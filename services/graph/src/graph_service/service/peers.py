"""What this service asks of others."""

from typing import Protocol

from graph_service.model import errors
from graph_service.model.relations import Account


class Users(Protocol):
    async def account(self, user_id: int) -> Account | None:
        """None unless there is such an account and it is active."""
        ...


async def existing(users: Users, user_id: int) -> Account:
    """Raises NotFound."""
    account = await users.account(user_id)
    if account is None:
        raise errors.user_not_found()
    return account
