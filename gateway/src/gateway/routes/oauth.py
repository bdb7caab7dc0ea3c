"""The endpoints that apps call themselves (RFC 6749, 7009, 7662, 8414).

What the protocol refuses is told in its own words; what it has no word for (limits, outages) are problem documents, as
everywhere.
"""

import msgspec
from fastapi import Response
from heliograph.user.v1 import oauth_pb2 as pb

from gateway.errors import Refusal
from gateway.here import Here, HereDep
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import oauth
from gateway.scopes import FOR_APPS
from gateway.urlencoded import form_body, read_fields

routes = Routes("OAuth")

_SECRET_METHODS = ["client_secret_basic", "client_secret_post"]
_METHODS = [*_SECRET_METHODS, "none"]
_REFUSED = {400: oauth.OAuthError, 401: oauth.OAuthError}
_CLIENT = ("client_id", "client_secret")
_GRANT = ("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", *_CLIENT)
_TOKEN = ("token", "token_type_hint", *_CLIENT)
_CODE = {
    "grant_type": "authorization_code",
    "code": "hgc_3q2-7w",
    "redirect_uri": "https://lens.example.org/cb",
    "client_id": "app-116045278314958854",
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
}
_ONE = {"token": "hgr_3q2-7w", "client_id": "app-116045278314958854"}  # nosec B105 an example


@routes.add(
    "POST /oauth/token",
    "issueToken",
    "Trade a code or a refresh token for tokens, or get one for the app itself",
    oauth.OAuthTokens,
    others=_REFUSED,
    policy=Policy(Auth.OPEN, seconds=5, form=True, body=form_body(_GRANT, _CODE), unguessable=True),
)
async def token(here: HereDep) -> Response:
    called = await _called(here)
    if isinstance(called, Response):
        return called
    request = pb.IssueTokenRequest(
        parameters=called, authorization=_authorization(here), address=here.address, user_agent=here.user_agent
    )
    return _answer((await here.services.oauth.IssueToken(request)).answer)


@routes.add(
    "POST /oauth/revoke",
    "revokeToken",
    "End what a token of the app rests on",
    dict,
    others=_REFUSED,
    policy=Policy(Auth.OPEN, seconds=5, form=True, body=form_body(_TOKEN, _ONE), unguessable=True),
)
async def revoke(here: HereDep) -> Response:
    called = await _called(here)
    if isinstance(called, Response):
        return called
    request = pb.RevokeTokenRequest(parameters=called, authorization=_authorization(here))
    return _answer((await here.services.oauth.RevokeToken(request)).answer)


@routes.add(
    "POST /oauth/introspect",
    "introspectToken",
    "What a token of the app is good for",
    oauth.Introspection,
    others=_REFUSED,
    policy=Policy(Auth.OPEN, seconds=5, form=True, body=form_body(_TOKEN, _ONE), unguessable=True),
)
async def introspect(here: HereDep) -> Response:
    called = await _called(here)
    if isinstance(called, Response):
        return called
    request = pb.IntrospectTokenRequest(parameters=called, authorization=_authorization(here))
    return _answer((await here.services.oauth.IntrospectToken(request)).answer)


@routes.add(
    "GET /.well-known/oauth-authorization-server",
    "getAuthorizationServer",
    "Where and how apps get tokens",
    oauth.ServerMetadata,
    policy=Policy(Auth.OPEN),
)
async def metadata(here: HereDep) -> Response:
    base = here.parts.settings.public_url
    told = oauth.ServerMetadata(
        issuer=base,
        authorization_endpoint=f"{base}/oauth/authorize",
        token_endpoint=f"{base}/oauth/token",
        revocation_endpoint=f"{base}/oauth/revoke",
        introspection_endpoint=f"{base}/oauth/introspect",
        jwks_uri=f"{base}/.well-known/jwks.json",
        scopes_supported=list(FOR_APPS),
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=["authorization_code", "refresh_token", "client_credentials"],
        code_challenge_methods_supported=["S256"],
        token_endpoint_auth_methods_supported=_METHODS,
        revocation_endpoint_auth_methods_supported=_METHODS,
        introspection_endpoint_auth_methods_supported=_SECRET_METHODS,
        authorization_response_iss_parameter_supported=True,
        service_documentation=f"{base}/docs",
    )
    return Response(msgspec.json.encode(told), 200, {"Cache-Control": "public, max-age=300"}, "application/json")


async def _called(here: Here) -> list[pb.Parameter] | Response:
    """The parameters, or what is wrong with the request's form."""
    if here.request.url.query:
        # They would end up in logs (RFC 6749, section 2.3.1).
        return _refused("Parameters belong into the body")
    if len(here.request.headers.getlist("authorization")) > 1:
        return _refused("The Authorization header may come once")
    try:
        return [pb.Parameter(name=name, value=value) for name, value in await read_fields(here.request)]
    except Refusal as refused:
        return _refused(refused.detail)


def _refused(why: str) -> Response:
    body = msgspec.json.encode(oauth.OAuthError("invalid_request", why))
    return Response(body, 400, {"Cache-Control": "no-store"}, "application/json")


def _authorization(here: Here) -> str:
    return here.request.headers.get("authorization", "")


def _answer(answer: pb.ProtocolAnswer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.www_authenticate:
        headers["WWW-Authenticate"] = answer.www_authenticate
    return Response(answer.body, answer.status, headers, "application/json")
