"""What an account takes with it, and how it goes. With an own client's token alone: no app may take everything along,
or make an end of it."""

import json
from collections.abc import Mapping

from fastapi import Response
from heliograph.user.v1 import factors_pb2, sign_in_pb2
from heliograph.user.v1 import lifecycle_pb2 as pb

from gateway.here import Here, HereDep, answer
from gateway.render import time_of
from gateway.routing import Policy, Routes
from gateway.schemas import lifecycle
from gateway.schemas.factors import Confirmation

routes = Routes("Profile")

_OWN = Policy(scope="account")
_ASK = Policy(scope="account", once=True, replayed=False)
# Long enough for a password among many that are checked.
_END = Policy(scope="account", seconds=10, json=True)
_STATES: Mapping[int, lifecycle.ExportStateName] = {
    pb.EXPORT_STATE_WAITING: "waiting",
    pb.EXPORT_STATE_COLLECTING: "collecting",
    pb.EXPORT_STATE_READY: "ready",
    pb.EXPORT_STATE_FAILED: "failed",
    pb.EXPORT_STATE_EXPIRED: "expired",
}


@routes.add(
    "POST /v1/me/export",
    "requestExport",
    "Ask for an archive of all one's data; while one is being made, that one",
    lifecycle.Export,
    status=202,
    policy=_ASK,
)
async def request(here: HereDep) -> Response:
    asked = pb.RequestExportRequest(viewer_id=here.viewer.id, origin=_origin(here))
    return answer(_export((await here.services.lifecycle.RequestExport(asked)).export), 202)


@routes.add(
    "GET /v1/me/export",
    "getExport",
    "How far one's newest archive is, and where it can be fetched",
    lifecycle.Export,
    problems=(404,),
    policy=_OWN,
)
async def get(here: HereDep) -> Response:
    found = await here.services.lifecycle.GetExport(pb.GetExportRequest(viewer_id=here.viewer.id))
    return answer(_export(found.export))


@routes.add(
    "DELETE /v1/me",
    "deleteMe",
    "Delete one's account: hidden at once, erased after a time of grace",
    lifecycle.Deletion,
    status=202,
    problems=(401, 403, 409),
    policy=_END,
)
async def delete(here: HereDep, body: Confirmation) -> Response:
    confirmation = factors_pb2.Confirmation(
        password=body.password,
        code=body.code,
        recovery_code=body.recovery_code,
        assertion=json.dumps(body.assertion) if body.assertion else "",
        ticket=body.ticket,
    )
    asked = pb.DeleteAccountRequest(viewer_id=here.viewer.id, confirmation=confirmation, origin=_origin(here))
    done = await here.services.lifecycle.DeleteAccount(asked)
    return answer(lifecycle.Deletion(time_of(done.delete_after)), 202)


def _export(export: pb.Export) -> lifecycle.Export:
    return lifecycle.Export(
        id=str(export.id),
        state=_STATES[export.state],
        progress=export.progress,
        requested_at=time_of(export.requested_at),
        ready_at=time_of(export.ready_at) if export.HasField("ready_at") else None,
        expires_at=time_of(export.expires_at) if export.HasField("expires_at") else None,
        bytes=export.bytes,
        link=export.link or None,
        link_expires_at=time_of(export.link_expires_at) if export.HasField("link_expires_at") else None,
    )


def _origin(here: Here) -> sign_in_pb2.Origin:
    return sign_in_pb2.Origin(address=here.address, user_agent=here.user_agent)
