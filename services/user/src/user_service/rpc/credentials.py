"""CredentialService of protos/heliograph/user/v1."""

from typing import Protocol

from heliograph.user.v1 import credentials_pb2 as pb
from heliograph.user.v1 import credentials_pb2_grpc
from kit.server import Context

from user_service.model.security import Device
from user_service.rpc.users import account_message
from user_service.service.addresses import Addresses
from user_service.service.credentials import Credentials
from user_service.service.usernames import Usernames


class CredentialRpc(credentials_pb2_grpc.CredentialServiceServicer):
    def __init__(self, addresses: Addresses, passwords: Credentials, usernames: Usernames) -> None:
        self._addresses, self._passwords, self._usernames = addresses, passwords, usernames

    async def RequestVerification(
        self, request: pb.RequestVerificationRequest, context: Context
    ) -> pb.RequestVerificationResponse:
        await self._addresses.ask(request.email, _device(request))
        return pb.RequestVerificationResponse()

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: Context) -> pb.VerifyEmailResponse:
        await self._addresses.verify(request.token, _device(request))
        return pb.VerifyEmailResponse()

    async def ChangeEmail(self, request: pb.ChangeEmailRequest, context: Context) -> pb.ChangeEmailResponse:
        await self._addresses.change(request.viewer_id, request.password, request.email, _device(request))
        return pb.ChangeEmailResponse()

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        await self._passwords.change(
            request.viewer_id, request.session_id, request.current_password, request.new_password, _device(request)
        )
        return pb.ChangePasswordResponse()

    async def ForgetPassword(self, request: pb.ForgetPasswordRequest, context: Context) -> pb.ForgetPasswordResponse:
        device = Device(request.address, request.user_agent, token=request.device_token)
        await self._passwords.forget(request.email, device)
        return pb.ForgetPasswordResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Context) -> pb.ResetPasswordResponse:
        await self._passwords.reset(request.token, request.password, _device(request))
        return pb.ResetPasswordResponse()

    async def ChangeUsername(self, request: pb.ChangeUsernameRequest, context: Context) -> pb.ChangeUsernameResponse:
        account = await self._usernames.change(request.viewer_id, request.username, _device(request))
        return pb.ChangeUsernameResponse(account=account_message(account))


class _FromSomewhere(Protocol):
    @property
    def address(self) -> str: ...
    @property
    def user_agent(self) -> str: ...


def _device(request: _FromSomewhere) -> Device:
    return Device(request.address, request.user_agent)
