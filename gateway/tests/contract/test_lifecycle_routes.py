"""Exports and deletions: what the user service is asked, and what is made of its answers."""

import pytest
from gateway_world import Client, World
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.user.v1 import lifecycle_pb2 as pb
from kit.errors import FailedPrecondition, NotFound, ResourceExhausted, Unauthenticated
from starlette.types import ASGIApp

LINK = "https://storage.example.org/exports/x.zip?signed"


@pytest.fixture
async def owner(world: World, app: ASGIApp) -> Client:
    return await world.client(app, world.token(scope="read write follow push account"))


def export(state: pb.ExportState.ValueType, **values: object) -> pb.Export:
    return pb.Export(id=7, state=state, requested_at=Timestamp(seconds=100), **values)  # type: ignore[arg-type]


async def test_an_export_is_asked_for_in_the_name_of_the_token_s_account(owner: Client, world: World, ada_id: int):
    world.lifecycle.answer("RequestExport", pb.RequestExportResponse(export=export(pb.EXPORT_STATE_WAITING)))
    answer = await owner.post("/v1/me/export")
    assert answer.status_code == 202
    assert answer.json() == {
        "id": "7",
        "state": "waiting",
        "progress": 0,
        "requested_at": "1970-01-01T00:01:40.000Z",
        "ready_at": None,
        "expires_at": None,
        "bytes": 0,
        "link": None,
        "link_expires_at": None,
    }
    (asked,) = world.lifecycle.asked(pb.RequestExportRequest)
    assert asked.viewer_id == ada_id
    assert asked.origin.address


async def test_a_ready_export_has_a_link_that_no_cache_keeps(owner: Client, world: World):
    later = Timestamp(seconds=200)
    ready = export(
        pb.EXPORT_STATE_READY, progress=100, bytes=9, link=LINK, ready_at=later, expires_at=later, link_expires_at=later
    )
    world.lifecycle.answer("GetExport", pb.GetExportResponse(export=ready))
    answer = await owner.get("/v1/me/export")
    assert answer.json()["link"] == LINK
    assert answer.headers["cache-control"] == "no-store"


async def test_a_deletion_passes_the_confirmation_on_and_tells_the_date(owner: Client, world: World, ada_id: int):
    done = pb.DeleteAccountResponse(delete_after=Timestamp(seconds=100))
    world.lifecycle.answer("DeleteAccount", done)
    answer = await owner.request("DELETE", "/v1/me", json={"password": "secret", "code": "123456"})
    assert (answer.status_code, answer.json()) == (202, {"delete_after": "1970-01-01T00:01:40.000Z"})
    (asked,) = world.lifecycle.asked(pb.DeleteAccountRequest)
    assert (asked.viewer_id, asked.confirmation.password, asked.confirmation.code) == (ada_id, "secret", "123456")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthenticated("BAD_CREDENTIALS", "wrong"), 401),
        (FailedPrecondition("ADMIN_ACCOUNT", "first give it away"), 409),
        (ResourceExhausted("TOO_MANY_ATTEMPTS", "later", retry_after=9), 429),
    ],
)
async def test_what_stands_in_the_way_of_a_deletion_is_told(owner: Client, world: World, error: Exception, status: int):
    world.lifecycle.answer("DeleteAccount", error)
    answer = await owner.request("DELETE", "/v1/me", json={"password": "secret"})
    assert (answer.status_code, answer.json()["reason"]) == (status, getattr(error, "reason", ""))


async def test_without_an_export_there_is_none(owner: Client, world: World):
    world.lifecycle.answer("GetExport", NotFound("EXPORT_NOT_FOUND", "none"))
    assert (await owner.get("/v1/me/export")).status_code == 404


async def test_no_app_may_take_everything_along_or_make_an_end_of_it(world: World, app: ASGIApp):
    client = await world.client(app, world.token(scope="read write follow push"))
    answers = [
        await client.post("/v1/me/export"),
        await client.get("/v1/me/export"),
        await client.request("DELETE", "/v1/me", json={"password": "secret"}),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert not world.lifecycle.requests
