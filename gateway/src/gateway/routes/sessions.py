"""Sessions: logging in and out, and what an account's owner sees of it."""

import json
from typing import Annotated, Any

from fastapi import Path, Query, Response
from heliograph.user.v1 import sign_in_pb2 as pb
from heliograph.user.v1 import user_pb2
from kit import ids

from gateway import render
from gateway.here import Here, HereDep, answer, nothing
from gateway.pages import PageDep
from gateway.render import time_of
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, lists, sign_in

routes = Routes("Sessions")

# Long enough for a password among many that are checked.
_LOG_IN = Policy(Auth.OPEN, seconds=10, json=True)
_OWNER = Policy(scope="account")


@routes.add(
    "POST /v1/sessions",
    "logIn",
    "Log in; 202 when a second factor is due",
    answers.LoggedIn,
    status=201,
    others={202: sign_in.SecondFactorDue},
    problems=(401, 403),
    policy=_LOG_IN,
)
async def log_in(here: HereDep, body: sign_in.Credentials) -> Response:
    made = await here.services.user.CreateSession(
        user_pb2.CreateSessionRequest(
            login=body.login,
            password=body.password,
            user_agent=here.user_agent,
            address=here.address,
            device_name=body.device_name,
            device_token=body.device_token,
            cancel_deletion=body.cancel_deletion,
        )
    )
    if made.HasField("second_factor"):
        return answer(sign_in.SecondFactorDue(_second_factor(made.second_factor)), 202)
    return _logged_in(here, made)


@routes.add(
    "POST /v1/sessions/second-factor",
    "proveSecondFactor",
    "Finish a log-in with a second factor",
    answers.LoggedIn,
    status=201,
    problems=(401, 403),
    policy=_LOG_IN,
)
async def prove(here: HereDep, body: sign_in.SecondFactorProof) -> Response:
    made = await here.services.sign_in.FinishLogIn(
        pb.FinishLogInRequest(
            ticket=body.ticket,
            code=body.code,
            recovery_code=body.recovery_code,
            assertion_json=json.dumps(body.assertion) if body.assertion else "",
            cancel_deletion=body.cancel_deletion,
            origin=_origin(here, body),
        )
    )
    return _logged_in(here, made)


@routes.add(
    "POST /v1/sessions/passkey/options",
    "beginPasskeyLogIn",
    "Get a challenge, to log in with a passkey alone",
    sign_in.PasskeyLogIn,
    status=201,
    policy=Policy(Auth.OPEN),
)
async def begin_passkey(here: HereDep) -> Response:
    begun = await here.services.sign_in.StartPasskeyLogIn(pb.StartPasskeyLogInRequest(origin=_origin(here)))
    return answer(sign_in.PasskeyLogIn(begun.ticket, _options(begun.options_json), time_of(begun.expires_at)), 201)


@routes.add(
    "POST /v1/sessions/passkey",
    "logInWithPasskey",
    "Log in with a passkey alone",
    answers.LoggedIn,
    status=201,
    problems=(401, 403),
    policy=_LOG_IN,
)
async def log_in_with_passkey(here: HereDep, body: sign_in.PasskeyAnswer) -> Response:
    made = await here.services.sign_in.FinishPasskeyLogIn(
        pb.FinishPasskeyLogInRequest(
            ticket=body.ticket,
            assertion_json=json.dumps(body.assertion),
            cancel_deletion=body.cancel_deletion,
            origin=_origin(here, body),
        )
    )
    return _logged_in(here, made)


@routes.add(
    "POST /v1/sessions/refresh",
    "refreshSession",
    "Trade a refresh token for new tokens",
    answers.LoggedIn,
    problems=(401, 409),
    policy=Policy(Auth.OPEN, seconds=5, json=True),
)
async def refresh(here: HereDep, body: sign_in.Refresh) -> Response:
    made = await here.services.user.RefreshSession(
        user_pb2.RefreshSessionRequest(refresh_token=body.refresh_token, address=here.address)
    )
    return answer(here.render.logged_in(made.tokens, made.profile))


@routes.add("GET /v1/sessions", "listSessions", "Where the account is logged in", lists.Sessions, policy=_OWNER)
async def list_sessions(here: HereDep, page: PageDep) -> Response:
    found = await here.services.user.ListSessions(
        user_pb2.ListSessionsRequest(
            viewer_id=here.viewer.id,
            current_session_id=here.viewer.session_id,
            page_size=page.limit,
            page_token=page.token,
        )
    )
    cursor, headers = page.next(found.next_page_token)
    return answer(lists.Sessions([render.session(item) for item in found.sessions], cursor), headers=headers)


@routes.add(
    "DELETE /v1/sessions",
    "logOutOthers",
    "Log out all other sessions; with `current=true` this one too",
    status=204,
    policy=_OWNER,
)
async def log_out_others(here: HereDep, current: Annotated[bool, Query()] = False) -> Response:
    ended = await here.services.sign_in.RevokeOtherSessions(
        pb.RevokeOtherSessionsRequest(
            viewer_id=here.viewer.id, keep_session_id=0 if current else here.viewer.session_id, origin=_origin(here)
        )
    )
    for session in ended.session_ids:
        here.parts.revocations.add(session)
    return nothing()


@routes.add(
    "DELETE /v1/sessions/{session_id}",
    "logOut",
    "Log out a session: its id, or `current`",
    status=204,
    problems=(404,),
    policy=_OWNER,
)
async def log_out(here: HereDep, session_id: Annotated[str, Path(pattern=r"^(current|[1-9][0-9]{0,18})$")]) -> Response:
    session = here.viewer.session_id if session_id == "current" else ids.parse(session_id)
    await here.services.user.RevokeSession(
        user_pb2.RevokeSessionRequest(
            viewer_id=here.viewer.id, session_id=session, user_agent=here.user_agent, address=here.address
        )
    )
    here.parts.revocations.add(session)
    return nothing()


@routes.add(
    "GET /v1/me/security-events",
    "listSecurityEvents",
    "What touched the account's security, newest first",
    sign_in.SecurityEvents,
    policy=_OWNER,
)
async def security_events(here: HereDep, page: PageDep) -> Response:
    found = await here.services.sign_in.ListSecurityEvents(
        pb.ListSecurityEventsRequest(viewer_id=here.viewer.id, page_size=page.limit, page_token=page.token)
    )
    cursor, headers = page.next(found.next_page_token)
    return answer(sign_in.SecurityEvents([_event(one) for one in found.events], cursor), headers=headers)


_Made = user_pb2.CreateSessionResponse | pb.FinishLogInResponse | pb.FinishPasskeyLogInResponse


def _logged_in(here: Here, made: _Made) -> Response:
    return answer(here.render.logged_in(made.tokens, made.profile, made.device_token), 201)


def _second_factor(due: user_pb2.SecondFactor) -> sign_in.SecondFactor:
    options = _options(due.passkey_options_json) if due.passkey_options_json else None
    methods: list[Any] = list(due.methods)
    return sign_in.SecondFactor(due.ticket, methods, options, time_of(due.expires_at))


def _options(text: str) -> dict[str, Any]:
    return json.loads(text)


def _origin(here: Here, body: sign_in.FromDevice | None = None) -> pb.Origin:
    named = body or sign_in.FromDevice()
    return pb.Origin(
        address=here.address,
        user_agent=here.user_agent,
        device_name=named.device_name,
        device_token=named.device_token,
    )


def _event(event: pb.SecurityEvent) -> sign_in.SecurityEvent:
    return sign_in.SecurityEvent(
        id=str(event.id),
        kind=event.kind,
        address=event.address,
        user_agent=event.user_agent,
        session_id=str(event.session_id) if event.session_id else None,
        details=dict(event.details),
        created_at=time_of(event.created_at),
    )
