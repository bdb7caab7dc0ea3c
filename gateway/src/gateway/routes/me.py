"""One's own account."""

import asyncio

import msgspec
from fastapi import Response
from heliograph.user.v1 import user_pb2

from gateway import etags
from gateway.here import Here, HereDep
from gateway.people import counts
from gateway.routing import Policy, Routes
from gateway.schemas import answers, requests

routes = Routes("Profile")


@routes.add("GET /v1/me", "getMe", "Read one's own account", answers.Account, etag=True)
async def get_me(here: HereDep) -> Response:
    asked = user_pb2.GetAccountRequest(viewer_id=here.viewer.id)
    found, known = await asyncio.gather(here.services.user.GetAccount(asked), counts(here, [here.viewer.id]))
    return _shown(here, found.account, known.get(here.viewer.id))


@routes.add(
    "PATCH /v1/me",
    "updateMe",
    "Change one's profile",
    answers.Account,
    problems=(412,),
    policy=Policy(scope="write", json=True),
    etag=True,
)
async def update_me(here: HereDep, body: requests.ProfileChange) -> Response:
    changed = sorted(body.model_fields_set)
    profile = user_pb2.Profile(**{name: getattr(body, name) for name in changed})
    account = await _update(here, profile, changed)
    known = await counts(here, [here.viewer.id])
    return _shown(here, account, known.get(here.viewer.id))


def _shown(here: Here, account: user_pb2.Account, known: answers.ProfileCounts | None) -> Response:
    shown = here.render.account(account, known)
    if not here.viewer.may_see_email:
        shown = msgspec.structs.replace(shown, email=None, email_verified=None)
    return here.read(shown, account.etag)


async def _update(here: Here, profile: user_pb2.Profile, changed: list[str]) -> user_pb2.Account:
    request = user_pb2.UpdateAccountRequest(
        viewer_id=here.viewer.id, profile=profile, etag=etags.version_to_match(here.request.headers.get("if-match"))
    )
    request.update_mask.paths.extend(changed)
    return (await here.services.user.UpdateAccount(request)).account
