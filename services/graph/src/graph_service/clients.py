"""Calls to the user service."""

from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, BatchGetProfilesRequest, Profile
from heliograph.user.v1.user_pb2_grpc import UserServiceStub

from graph_service.model.relations import Account


class Users:
    def __init__(self, stub: UserServiceStub) -> None:
        self._stub = stub

    async def account(self, user_id: int) -> Account | None:
        """None unless there is such an account and it is active."""
        answer = await self._stub.BatchGetProfiles(BatchGetProfilesRequest(ids=[user_id]))
        active = [profile for profile in answer.profiles if profile.state == ACCOUNT_STATE_ACTIVE]
        return account_of(active[0]) if active else None


def account_of(profile: Profile) -> Account:
    return Account(profile.id, profile.private_account, profile.version)
