"""Calls to the user service."""

from collections.abc import Sequence

from heliograph.user.v1.admin_pb2 import ScanProfilesRequest
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
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


class AllUsers:
    def __init__(self, stub: AdminServiceStub) -> None:
        self._stub = stub

    async def after(self, user_id: int) -> tuple[Sequence[int], int]:
        """Some accounts by rising id, in any state; and the id to go on after, 0 at the end."""
        answer = await self._stub.ScanProfiles(ScanProfilesRequest(after_id=user_id))
        return [profile.id for profile in answer.profiles], answer.next_after_id


def account_of(profile: Profile) -> Account:
    return Account(profile.id, profile.private_account, profile.version)
