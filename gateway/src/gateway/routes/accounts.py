"""Accounts."""

from fastapi import Response
from heliograph.user.v1 import user_pb2

from gateway.here import HereDep, answer
from gateway.people import counts
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, requests

routes = Routes("Accounts")


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
            address=here.address,
            user_agent=here.user_agent,
        )
    )
    account = made.account
    known = await counts(here, [account.profile.id])
    return answer(here.render.account(account, known.get(account.profile.id)), 201, {"Location": "/v1/me"})
