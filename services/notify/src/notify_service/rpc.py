"""NotifyService of protos/heliograph/notify/v1, and PersonalDataService of protos/heliograph/privacy/v1."""

from typing import Any

from heliograph.notify.v1 import notify_pb2 as pb
from heliograph.notify.v1 import notify_pb2_grpc as grpc_
from heliograph.post.v1.post_pb2 import Comment, Post
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import PersonalDataServiceServicer
from heliograph.user.v1.user_pb2 import Profile
from kit.paging import page_size
from kit.proto import timestamp

from notify_service.model import Kind
from notify_service.service.notifications import Notification, NotifyService
from notify_service.service.personal import PersonalData

_KINDS = {
    Kind.FOLLOW: pb.NOTIFICATION_KIND_FOLLOW,
    Kind.LIKE: pb.NOTIFICATION_KIND_LIKE,
    Kind.COMMENT: pb.NOTIFICATION_KIND_COMMENT,
    Kind.REPLY: pb.NOTIFICATION_KIND_REPLY,
    Kind.MENTION: pb.NOTIFICATION_KIND_MENTION,
    Kind.FOLLOW_REQUEST: pb.NOTIFICATION_KIND_FOLLOW_REQUEST,
}


class NotifyRpc(grpc_.NotifyServiceServicer):
    def __init__(self, service: NotifyService[Profile, Post, Comment]) -> None:
        self._service = service

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: Any
    ) -> pb.ListNotificationsResponse:
        page = await self._service.notifications(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListNotificationsResponse(
            notifications=[_notification(item) for item in page.items], next_page_token=page.next_token
        )

    async def MarkRead(self, request: pb.MarkReadRequest, context: Any) -> pb.MarkReadResponse:
        await self._service.mark_read(request.viewer_id, request.up_to_id)
        return pb.MarkReadResponse()

    async def GetUnreadCount(self, request: pb.GetUnreadCountRequest, context: Any) -> pb.GetUnreadCountResponse:
        return pb.GetUnreadCountResponse(count=await self._service.unread(request.viewer_id))


class PersonalRpc(PersonalDataServiceServicer):
    def __init__(self, data: PersonalData) -> None:
        self._data = data

    async def Export(self, request: privacy.ExportRequest, context: Any) -> privacy.ExportResponse:
        pieces, following = await self._data.export(request.user_id, request.page_token)
        files = [privacy.File(path=piece.path, content=piece.content) for piece in pieces]
        return privacy.ExportResponse(files=files, next_page_token=following)

    async def Erase(self, request: privacy.EraseRequest, context: Any) -> privacy.EraseResponse:
        done, removed = await self._data.erase(request.user_id)
        return privacy.EraseResponse(done=done, removed=removed)


def _notification(item: Notification[Profile, Post, Comment]) -> pb.Notification:
    return pb.Notification(
        id=item.id,
        kind=_KINDS[item.group.kind],
        actors=item.actors,
        others=item.others,
        post=item.post,
        comment=item.comment,
        created_at=timestamp(item.created_at),
        read=item.read,
    )
