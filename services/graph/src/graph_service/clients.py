"""Calls to the user service."""

from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, BatchGetProfilesRequest
from heliograph.user.v1.user_pb2_grpc import UserServiceStub

from graph_service.model import Account


class Users:
    def __init__(self, stub: UserServiceStub) -> None:
        self._stub = stub

    async def account(self, user_id: int) -> Account | None:
        """None unless there is such an account and it is active."""
        answer = await self._stub.BatchGetProfiles(BatchGetProfilesRequest(ids=[user_id]))
        active = [profile for profile in answer.profiles if profile.state == ACCOUNT_STATE_ACTIVE]
        return Account(active[0].id, private=active[0].private_account) if active else None
