"""SettingsService of protos/heliograph/user/v1."""

from enum import IntEnum
from typing import TypeVar

from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import settings_pb2_grpc
from heliograph.user.v1.user_pb2 import AllowedBy as AllowedByMessage
from kit.server import Context

from user_service.model.accounts import AllowedBy
from user_service.model.settings import NOTIFICATIONS, NotifyOf, Settings, Value, Wishes
from user_service.service.settings import AccountSettings

E = TypeVar("E", bound=IntEnum)
_DOORS = ("comments_from", "mentions_from", "messages_from")
_SWITCHES = ("private_account", "unlisted")


class SettingsRpc(settings_pb2_grpc.SettingsServiceServicer):
    def __init__(self, settings: AccountSettings) -> None:
        self._settings = settings

    async def GetSettings(self, request: pb.GetSettingsRequest, context: Context) -> pb.GetSettingsResponse:
        return pb.GetSettingsResponse(settings=_message(await self._settings.get(request.viewer_id)))

    async def UpdateSettings(self, request: pb.UpdateSettingsRequest, context: Context) -> pb.UpdateSettingsResponse:
        values = {path: _value(request.settings, path) for path in request.update_mask.paths}
        settings = await self._settings.update(request.viewer_id, values, etag=request.etag)
        return pb.UpdateSettingsResponse(settings=_message(settings))

    async def BatchGetNotificationSettings(
        self, request: pb.BatchGetNotificationSettingsRequest, context: Context
    ) -> pb.BatchGetNotificationSettingsResponse:
        found = await self._settings.wishes(request.ids)
        return pb.BatchGetNotificationSettingsResponse(
            settings={user_id: _notifications(wishes) for user_id, wishes in found.items()}
        )


def _value(message: pb.Settings, path: str) -> Value:
    """None for what is no value, which the model then refuses by the field's name."""
    if path in _SWITCHES:
        return getattr(message, path)
    if path in _DOORS:
        return _one_of(AllowedBy, getattr(message, path))
    kind = path.removeprefix("notifications.")
    return _one_of(NotifyOf, getattr(message.notifications, kind)) if kind in NOTIFICATIONS else None


def _one_of(kind: type[E], value: int) -> E | None:
    return next((member for member in kind if member == value), None)


def _message(settings: Settings) -> pb.Settings:
    profile = settings.profile
    return pb.Settings(
        private_account=profile.private_account,
        unlisted=profile.unlisted,
        comments_from=_allowed(profile.comments_from),
        mentions_from=_allowed(profile.mentions_from),
        messages_from=_allowed(settings.wishes.messages_from),
        notifications=_notifications(settings.wishes),
        etag=settings.etag,
    )


def _notifications(wishes: Wishes) -> pb.NotificationSettings:
    return pb.NotificationSettings(**{kind: pb.NotifyOf.ValueType(wishes.of(kind).value) for kind in NOTIFICATIONS})


def _allowed(value: AllowedBy) -> AllowedByMessage.ValueType:
    return AllowedByMessage.ValueType(value.value)
