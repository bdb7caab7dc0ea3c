"""Second factors of one's own account. Nothing here is replayed to an Idempotency-Key: secrets are shown once, and kept
nowhere. With an own client's token alone: no app may change who comes in."""

import json
from typing import Any

from fastapi import Response
from heliograph.user.v1 import factors_pb2 as pb
from heliograph.user.v1 import sign_in_pb2

from gateway.here import Here, HereDep, answer, nothing
from gateway.pages import PageDep
from gateway.render import time_of
from gateway.routing import Policy, Routes
from gateway.schemas import factors
from gateway.schemas.requests import Id

routes = Routes("Second factors")

_SEE = Policy(scope="account")
# Long enough for a password among many that are checked.
_CHANGE = Policy(scope="account", seconds=10, json=True)
_REFUSED = (401, 403)


@routes.add("GET /v1/me/factors", "getFactors", "Second factors that are on", factors.Factors, policy=_SEE)
async def get(here: HereDep) -> Response:
    found = await here.services.factors.GetFactors(pb.GetFactorsRequest(viewer_id=here.viewer.id))
    totp = factors.Totp(time_of(found.totp_added_at), time_of(found.totp_last_used_at)) if found.totp else None
    return answer(factors.Factors(totp, found.passkeys, found.recovery_codes_left))


@routes.add(
    "POST /v1/me/factors/challenge",
    "challengePasskey",
    "Get a challenge, to confirm a change with a passkey",
    factors.PasskeyOptions,
    status=201,
    problems=(404,),
    policy=_SEE,
)
async def challenge(here: HereDep) -> Response:
    return answer(_options(await here.services.factors.BeginProof(pb.BeginProofRequest(viewer_id=here.viewer.id))), 201)


@routes.add(
    "POST /v1/me/totp",
    "beginTotp",
    "Get a secret for an authenticator app",
    factors.NewTotp,
    status=201,
    problems=(*_REFUSED, 409),
    policy=_CHANGE,
)
async def begin_totp(here: HereDep, body: factors.Confirmation) -> Response:
    begun = await here.services.factors.BeginTotp(
        pb.BeginTotpRequest(viewer_id=here.viewer.id, confirmation=_confirmation(body), origin=_origin(here))
    )
    return answer(factors.NewTotp(begun.secret, begun.uri, time_of(begun.expires_at)), 201)


@routes.add(
    "POST /v1/me/totp/confirm",
    "confirmTotp",
    "Turn codes of an app on, with the first one",
    factors.RecoveryCodes,
    problems=(*_REFUSED, 409),
    policy=_CHANGE,
)
async def confirm_totp(here: HereDep, body: factors.FirstCode) -> Response:
    asked = pb.ConfirmTotpRequest(viewer_id=here.viewer.id, code=body.code, origin=_origin(here))
    return answer(factors.RecoveryCodes(list((await here.services.factors.ConfirmTotp(asked)).recovery_codes)))


@routes.add(
    "DELETE /v1/me/totp",
    "removeTotp",
    "Turn codes of an app off",
    status=204,
    problems=(*_REFUSED, 404),
    policy=_CHANGE,
)
async def remove_totp(here: HereDep, body: factors.Confirmation) -> Response:
    await here.services.factors.RemoveTotp(
        pb.RemoveTotpRequest(viewer_id=here.viewer.id, confirmation=_confirmation(body), origin=_origin(here))
    )
    return nothing()


@routes.add(
    "POST /v1/me/recovery-codes",
    "makeRecoveryCodes",
    "Get new recovery codes; the old ones are void",
    factors.RecoveryCodes,
    status=201,
    problems=(*_REFUSED, 409),
    policy=_CHANGE,
)
async def make_recovery_codes(here: HereDep, body: factors.Confirmation) -> Response:
    made = await here.services.factors.MakeRecoveryCodes(
        pb.MakeRecoveryCodesRequest(viewer_id=here.viewer.id, confirmation=_confirmation(body), origin=_origin(here))
    )
    return answer(factors.RecoveryCodes(list(made.recovery_codes)), 201)


@routes.add(
    "POST /v1/me/passkeys/options",
    "beginPasskey",
    "Get what an authenticator needs to make a passkey",
    factors.PasskeyOptions,
    status=201,
    problems=(*_REFUSED, 409),
    policy=_CHANGE,
)
async def begin_passkey(here: HereDep, body: factors.Confirmation) -> Response:
    begun = await here.services.factors.BeginPasskey(
        pb.BeginPasskeyRequest(viewer_id=here.viewer.id, confirmation=_confirmation(body), origin=_origin(here))
    )
    return answer(_options(begun), 201)


@routes.add(
    "POST /v1/me/passkeys",
    "addPasskey",
    "Add the passkey that an authenticator has made",
    factors.NewPasskey,
    status=201,
    problems=(*_REFUSED, 409),
    policy=_CHANGE,
)
async def add_passkey(here: HereDep, body: factors.PasskeyRegistration) -> Response:
    made = await here.services.factors.FinishPasskey(
        pb.FinishPasskeyRequest(
            viewer_id=here.viewer.id,
            ticket=body.ticket,
            credential=json.dumps(body.credential),
            name=body.name,
            origin=_origin(here),
        )
    )
    return answer(factors.NewPasskey(**_passkey(made.passkey), recovery_codes=list(made.recovery_codes)), 201)


@routes.add("GET /v1/me/passkeys", "listPasskeys", "One's passkeys, newest first", factors.Passkeys, policy=_SEE)
async def list_passkeys(here: HereDep, page: PageDep) -> Response:
    found = await here.services.factors.ListPasskeys(
        pb.ListPasskeysRequest(viewer_id=here.viewer.id, page_size=page.limit, page_token=page.token)
    )
    cursor, headers = page.next(found.next_page_token)
    items = [factors.Passkey(**_passkey(one)) for one in found.passkeys]
    return answer(factors.Passkeys(items, cursor), headers=headers)


@routes.add(
    "DELETE /v1/me/passkeys/{passkey_id}",
    "removePasskey",
    "Remove a passkey",
    status=204,
    problems=(*_REFUSED, 404),
    policy=_CHANGE,
)
async def remove_passkey(here: HereDep, passkey_id: Id, body: factors.Confirmation) -> Response:
    await here.services.factors.RemovePasskey(
        pb.RemovePasskeyRequest(
            viewer_id=here.viewer.id, passkey_id=passkey_id, confirmation=_confirmation(body), origin=_origin(here)
        )
    )
    return nothing()


def _confirmation(body: factors.Confirmation) -> pb.Confirmation:
    return pb.Confirmation(
        password=body.password,
        code=body.code,
        recovery_code=body.recovery_code,
        assertion=json.dumps(body.assertion) if body.assertion else "",
        ticket=body.ticket,
    )


def _options(begun: pb.BeginProofResponse | pb.BeginPasskeyResponse) -> factors.PasskeyOptions:
    return factors.PasskeyOptions(begun.ticket, json.loads(begun.options), time_of(begun.expires_at))


def _passkey(passkey: pb.Passkey) -> dict[str, Any]:
    return {
        "id": str(passkey.id),
        "name": passkey.name,
        "created_at": time_of(passkey.created_at),
        "last_used_at": time_of(passkey.last_used_at),
    }


def _origin(here: Here) -> sign_in_pb2.Origin:
    return sign_in_pb2.Origin(address=here.address, user_agent=here.user_agent)
