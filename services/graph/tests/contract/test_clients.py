"""What this service makes of the user service's answers, over gRPC."""

from functools import partial

from graph_service.clients import Users
from graph_service.model.relations import Account
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import (
    UserServiceServicer,
    UserServiceStub,
    add_UserServiceServicer_to_server,
)
from kit.server import Context
from kit.testing import Rpc

PROFILES = [
    pb.Profile(id=1, state=pb.ACCOUNT_STATE_ACTIVE, version=3),
    pb.Profile(id=2, state=pb.ACCOUNT_STATE_ACTIVE, private_account=True),
    pb.Profile(id=3, state=pb.ACCOUNT_STATE_SUSPENDED),
    pb.Profile(id=4, state=pb.ACCOUNT_STATE_DELETED),
]


class FakeUserService(UserServiceServicer):
    async def BatchGetProfiles(
        self, request: pb.BatchGetProfilesRequest, context: Context
    ) -> pb.BatchGetProfilesResponse:
        return pb.BatchGetProfilesResponse(profiles=[profile for profile in PROFILES if profile.id in request.ids])


async def test_only_active_accounts_exist(rpc: Rpc):
    service = FakeUserService()  # pyright: ignore[reportAbstractUsage] its other methods are not called
    users = Users(UserServiceStub(await rpc(partial(add_UserServiceServicer_to_server, service))))

    assert [await users.account(user_id) for user_id in (1, 2, 3, 4, 5)] == [
        Account(1, private=False, version=3),
        Account(2, private=True),
        None,
        None,
        None,
    ]
