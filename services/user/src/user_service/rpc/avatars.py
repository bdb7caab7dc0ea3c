"""AvatarService of protos/heliograph/user/v1."""

from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import settings_pb2_grpc
from kit.server import Context

from user_service.model.avatars import Focus
from user_service.rpc.users import account_message
from user_service.service.avatars import Avatars


class AvatarRpc(settings_pb2_grpc.AvatarServiceServicer):
    def __init__(self, avatars: Avatars) -> None:
        self._avatars = avatars

    async def SetAvatar(self, request: pb.SetAvatarRequest, context: Context) -> pb.SetAvatarResponse:
        focus = Focus(
            request.focal_x if request.HasField("focal_x") else 0.5,
            request.focal_y if request.HasField("focal_y") else 0.5,
        )
        account = await self._avatars.set(request.viewer_id, request.upload_key, focus)
        return pb.SetAvatarResponse(account=account_message(account))

    async def RemoveAvatar(self, request: pb.RemoveAvatarRequest, context: Context) -> pb.RemoveAvatarResponse:
        await self._avatars.remove(request.viewer_id)
        return pb.RemoveAvatarResponse()
