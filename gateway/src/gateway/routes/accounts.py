"""Accounts and sessions."""

from typing import Annotated

from fastapi import Path, Response
from heliograph.user.v1 import user_pb2
from kit import ids

from gateway import render
from gateway.here import Here, HereDep, answer, nothing
from gateway.pages import PageDep
from gateway.people import counts
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, lists, requests

routes = Routes("Accounts and sessions")

_USER_AGENT_KEPT = 512


@routes.add(
    "POST /v1/accounts",
    "registerAccount",
    "Register",
    answers.Account,
    status=201,
    problems=(409,),
    policy=Policy(Auth.OPEN, seconds=10, once=True, json=True),
)
async def register(here: HereDep, body: requests.Registration) -> Response:
    made = await here.services.user.RegisterAccount(
        user_pb2.RegisterAccountRequest(
            username=body.username,
            email=body.email,
            password=body.password,
            name=body.name,
            request_id=here.creation_id,
        )
    )
    account = made.account
    known = await counts(here, [account.profile.id])
    return answer(here.render.account(account, known.get(account.profile.id)), 201, {"Location": "/v1/me"})


@routes.add(
    "POST /v1/sessions",
    "logIn",
    "Log in",
    answers.LoggedIn,
    status=201,
    problems=(401,),
    policy=Policy(Auth.OPEN, seconds=10, json=True),
)
async def log_in(here: HereDep, body: requests.Credentials) -> Response:
    made = await here.services.user.CreateSession(
        user_pb2.CreateSessionRequest(
            login=body.login, password=body.password, user_agent=_user_agent(here), address=here.address
        )
    )
    return answer(here.render.logged_in(made.tokens, made.profile), 201)


@routes.add(
    "POST /v1/sessions/refresh",
    "refreshSession",
    "Trade a refresh token for new tokens",
    answers.LoggedIn,
    problems=(401, 409),
    policy=Policy(Auth.OPEN, seconds=5, json=True),
)
async def refresh(here: HereDep, body: requests.Refresh) -> Response:
    made = await here.services.user.RefreshSession(
        user_pb2.RefreshSessionRequest(refresh_token=body.refresh_token, address=here.address)
    )
    return answer(here.render.logged_in(made.tokens, made.profile))


@routes.add("GET /v1/sessions", "listSessions", "Where the account is logged in", lists.Sessions)
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
    "DELETE /v1/sessions/{session_id}",
    "logOut",
    "Log out a session: its id, or `current`",
    status=204,
    problems=(404,),
    policy=Policy(scope="write"),
)
async def log_out(here: HereDep, session_id: Annotated[str, Path(pattern=r"^(current|[1-9][0-9]{0,18})$")]) -> Response:
    session = here.viewer.session_id if session_id == "current" else ids.parse(session_id)
    await here.services.user.RevokeSession(user_pb2.RevokeSessionRequest(viewer_id=here.viewer.id, session_id=session))
    here.parts.revocations.add(session)
    return nothing()


def _user_agent(here: Here) -> str:
    return here.request.headers.get("user-agent", "")[:_USER_AGENT_KEPT].replace("\x00", "")
