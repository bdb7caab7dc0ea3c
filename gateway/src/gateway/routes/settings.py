"""One's own settings."""

from collections.abc import Mapping
from typing import TypeVar

from fastapi import Response
from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import user_pb2

from gateway import etags
from gateway.here import Here, HereDep
from gateway.routing import Policy, Routes
from gateway.schemas.settings import (
    AllowedByName,
    NotificationSettings,
    NotifyOfName,
    Settings,
    SettingsChange,
)

NameT = TypeVar("NameT", bound=str)

routes = Routes("Profile")

_ALLOWED: Mapping[AllowedByName, user_pb2.AllowedBy.ValueType] = {
    "everyone": user_pb2.ALLOWED_BY_EVERYONE,
    "followers": user_pb2.ALLOWED_BY_FOLLOWERS,
    "following": user_pb2.ALLOWED_BY_FOLLOWING,
    "nobody": user_pb2.ALLOWED_BY_NOBODY,
}
_NOTIFY: Mapping[NotifyOfName, pb.NotifyOf.ValueType] = {
    "everyone": pb.NOTIFY_OF_EVERYONE,
    "following": pb.NOTIFY_OF_FOLLOWING,
    "off": pb.NOTIFY_OF_NOBODY,
}
_DOORS = ("comments_from", "mentions_from", "messages_from")


@routes.add("GET /v1/me/settings", "getSettings", "Read one's settings", Settings, etag=True)
async def get_settings(here: HereDep) -> Response:
    found = await here.services.settings.GetSettings(pb.GetSettingsRequest(viewer_id=here.viewer.id))
    return _answer(here, found.settings)


@routes.add(
    "PATCH /v1/me/settings",
    "updateSettings",
    "Change one's settings; going public accepts all follow requests",
    Settings,
    problems=(412,),
    policy=Policy(scope="account", json=True),  # privacy is no app's to change
    etag=True,
)
async def update_settings(here: HereDep, body: SettingsChange) -> Response:
    request = pb.UpdateSettingsRequest(
        viewer_id=here.viewer.id,
        settings=_message(body),
        etag=etags.version_to_match(here.request.headers.get("if-match")),
    )
    request.update_mask.paths.extend(_paths(body))
    return _answer(here, (await here.services.settings.UpdateSettings(request)).settings)


def _message(body: SettingsChange) -> pb.Settings:
    wanted = body.notifications
    return pb.Settings(
        private_account=body.private_account,
        unlisted=not body.discoverable,
        comments_from=_ALLOWED[body.comments_from],
        mentions_from=_ALLOWED[body.mentions_from],
        messages_from=_ALLOWED[body.messages_from],
        notifications=pb.NotificationSettings(
            **{kind: _NOTIFY[getattr(wanted, kind)] for kind in wanted.model_fields_set}
        ),
    )


def _paths(body: SettingsChange) -> list[str]:
    named = body.model_fields_set
    paths = [name for name in ("private_account", *_DOORS) if name in named]
    paths += ["unlisted"] if "discoverable" in named else []
    kinds = body.notifications.model_fields_set if "notifications" in named else set[str]()
    return paths + [f"notifications.{kind}" for kind in sorted(kinds)]


def _answer(here: Here, settings: pb.Settings) -> Response:
    told = settings.notifications
    shown = Settings(
        private_account=settings.private_account,
        discoverable=not settings.unlisted,
        comments_from=_name(_ALLOWED, settings.comments_from),
        mentions_from=_name(_ALLOWED, settings.mentions_from),
        messages_from=_name(_ALLOWED, settings.messages_from),
        notifications=NotificationSettings(
            like=_name(_NOTIFY, told.like),
            comment=_name(_NOTIFY, told.comment),
            reply=_name(_NOTIFY, told.reply),
            mention=_name(_NOTIFY, told.mention),
            follow=_name(_NOTIFY, told.follow),
            follow_request=_name(_NOTIFY, told.follow_request),
        ),
    )
    return here.read(shown, settings.etag)


def _name(names: Mapping[NameT, int], value: int) -> NameT:
    """What is unspecified, or of a newer service, counts as the first: everyone."""
    return next((name for name, known in names.items() if known == value), next(iter(names)))
