"""Settings by REST: named changes of named fields, and nothing else."""

from typing import Any

import pytest
from gateway_world import ADA, Client, Refused, World
from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import user_pb2
from kit.errors import Aborted, FieldViolation, InvalidArgument
from starlette.types import ASGIApp

SHOWN = {
    "private_account": True,
    "discoverable": False,
    "comments_from": "followers",
    "mentions_from": "nobody",
    "messages_from": "everyone",
    "notifications": {
        "like": "off",
        "comment": "following",
        "reply": "everyone",
        "mention": "everyone",
        "follow": "everyone",
        "follow_request": "everyone",
    },
}


@pytest.fixture
async def ada(world: World, app: ASGIApp) -> Client:
    """In a client of our own: no app changes settings."""
    return await world.client(app, world.token(ADA, scope="read account"))


@pytest.fixture(autouse=True)
def told(world: World) -> None:
    settings = pb.Settings(
        private_account=True,
        unlisted=True,
        comments_from=user_pb2.ALLOWED_BY_FOLLOWERS,
        mentions_from=user_pb2.ALLOWED_BY_NOBODY,
        notifications=pb.NotificationSettings(like=pb.NOTIFY_OF_NOBODY, comment=pb.NOTIFY_OF_FOLLOWING),
        etag="4.2",
    )
    world.settings_service.answer("GetSettings", pb.GetSettingsResponse(settings=settings))
    world.settings_service.answer("UpdateSettings", pb.UpdateSettingsResponse(settings=settings))


async def test_settings_are_read_with_an_etag(ada: Client, world: World):
    response = await ada.get("/v1/me/settings")
    assert response.json() == SHOWN
    assert response.headers["etag"].startswith('"4.2-')
    assert world.settings_service.asked(pb.GetSettingsRequest)[0].viewer_id == ADA
    again = await ada.get("/v1/me/settings", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("body", "paths", "sent"),
    [
        ({}, [], pb.Settings()),
        ({"private_account": False}, ["private_account"], pb.Settings()),
        ({"discoverable": False}, ["unlisted"], pb.Settings(unlisted=True)),
        ({"messages_from": "nobody"}, ["messages_from"], pb.Settings(messages_from=user_pb2.ALLOWED_BY_NOBODY)),
        ({"comments_from": "following"}, ["comments_from"], pb.Settings(comments_from=user_pb2.ALLOWED_BY_FOLLOWING)),
        (
            {"mentions_from": "followers", "notifications": {"reply": "off", "follow": "following"}},
            ["mentions_from", "notifications.follow", "notifications.reply"],
            pb.Settings(
                mentions_from=user_pb2.ALLOWED_BY_FOLLOWERS,
                notifications=pb.NotificationSettings(reply=pb.NOTIFY_OF_NOBODY, follow=pb.NOTIFY_OF_FOLLOWING),
            ),
        ),
    ],
)
async def test_a_change_names_what_it_changes(
    ada: Client, world: World, body: dict[str, Any], paths: list[str], sent: pb.Settings
):
    response = await ada.patch("/v1/me/settings", json=body)
    assert (response.status_code, response.json()) == (200, SHOWN)
    (asked,) = world.settings_service.asked(pb.UpdateSettingsRequest)
    assert (asked.viewer_id, list(asked.update_mask.paths)) == (ADA, paths)
    for path in paths:
        field, _, kind = path.partition(".")
        found, wanted = getattr(asked.settings, field), getattr(sent, field)
        assert (getattr(found, kind), kind) == (getattr(wanted, kind), kind) if kind else found == wanted


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "x"}, "/email"),
        ({"comments_from": "friends"}, "/comments_from"),
        ({"comments_from": None}, "/comments_from"),
        ({"private_account": "yes"}, "/private_account"),
        ({"notifications": {"like": "nobody"}}, "/notifications/like"),
        ({"notifications": {"sunset": "off"}}, "/notifications/sunset"),
        ({"notifications": "off"}, "/notifications"),
    ],
)
async def test_what_is_no_setting_is_refused(
    ada: Client, world: World, refused: Refused, body: dict[str, Any], pointer: str
):
    problem = refused(await ada.patch("/v1/me/settings", json=body), 422, "INVALID_FIELD")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert not world.settings_service.asked(pb.UpdateSettingsRequest)


async def test_if_match_carries_the_version_of_the_settings(ada: Client, world: World, refused: Refused):
    tag = (await ada.get("/v1/me/settings")).headers["etag"]
    await ada.patch("/v1/me/settings", json={"discoverable": True}, headers={"If-Match": tag})
    assert world.settings_service.asked(pb.UpdateSettingsRequest)[0].etag == "4.2"
    world.settings_service.answer("UpdateSettings", Aborted("ETAG_MISMATCH", "changed"))
    response = await ada.patch("/v1/me/settings", json={"discoverable": True}, headers={"If-Match": tag})
    refused(response, 412, "ETAG_MISMATCH")


async def test_what_the_service_refuses_is_told_by_its_pointer(ada: Client, world: World, refused: Refused):
    fault = FieldViolation("/notifications/like", "no")
    world.settings_service.answer("UpdateSettings", InvalidArgument("INVALID_FIELD", "no", fields=[fault]))
    problem = refused(await ada.patch("/v1/me/settings", json={}), 422, "INVALID_FIELD")
    assert problem["errors"][0]["pointer"] == "/notifications/like"


async def test_changing_needs_more_than_reading(world: World, refused: Refused):
    app, _ = await world.gateway()
    reader = await world.client(app, world.token(scope="read write follow push"))
    assert (await reader.get("/v1/me/settings")).status_code == 200
    refused(await reader.patch("/v1/me/settings", json={}), 403, "INSUFFICIENT_SCOPE")
