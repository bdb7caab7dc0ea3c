"""What the authorization endpoint refuses, and who is told."""

import grpc
import pytest
from heliograph.user.v1 import oauth_pb2 as pb
from heliograph.user.v1.oauth_pb2_grpc import OAuthServiceStub
from kit.errors import InvalidArgument

from .conftest import Register
from .oauth_world import CALLBACK, ISSUER, Client, log_in, make_app, parameters, query_of

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def oauth(channel: grpc.aio.Channel) -> OAuthServiceStub:
    return OAuthServiceStub(channel)


@pytest.fixture
async def client(oauth: OAuthServiceStub, register: Register) -> Client:
    return await make_app(oauth, (await register("maker")).profile.id)


@pytest.fixture
async def browser(oauth: OAuthServiceStub, register: Register) -> str:
    await register("anna")
    return await log_in(oauth)


NOT_PROVEN: list[dict[str, str | None]] = [
    {"client_id": "app-1"},
    {"client_id": "nobody"},
    {"client_id": None},
    {"redirect_uri": None},
    {"redirect_uri": CALLBACK + "/"},
    {"redirect_uri": CALLBACK + "?x=1"},
    {"redirect_uri": "https://evil.example/cb"},
    {"redirect_uri": "https://app.example.evil.example/cb"},
    {"redirect_uri": 'https://app.example/cb"ü'},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "https://evil.example/cb", "response_type": "token"},
    {"redirect_uri": "https://evil.example/cb", "scope": "admin"},
]


async def test_nobody_is_sent_where_nothing_proves_that_the_app_lives(client: Client, browser: str) -> None:
    for changes in NOT_PROVEN:
        for token in ("", browser):
            with pytest.raises(InvalidArgument, match="BAD_AUTHORIZATION_REQUEST"):
                await client.begin(token, changes)
        with pytest.raises(InvalidArgument, match="BAD_AUTHORIZATION_REQUEST"):
            await client.decide(browser, changes)


async def test_a_parameter_that_comes_twice_is_told_to_the_person(oauth: OAuthServiceStub, client: Client) -> None:
    asked = parameters(client.asks())
    for name in ("redirect_uri", "client_id", "state", "code_challenge"):
        twice = [*asked, pb.Parameter(name=name, value="https://evil.example/")]
        with pytest.raises(InvalidArgument, match="BAD_AUTHORIZATION_REQUEST"):
            await oauth.BeginAuthorization(pb.BeginAuthorizationRequest(parameters=twice, issuer=ISSUER))


TOLD_TO_THE_APP: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"scope": "read admin"}, "invalid_scope"),
    ({"scope": "account"}, "invalid_scope"),
    ({"scope": "follow"}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
]


async def test_other_faults_are_told_to_the_app(client: Client, browser: str) -> None:
    for changes, error in TOLD_TO_THE_APP:
        shown = await client.begin(changes=changes)
        told = query_of(shown.error_uri)
        assert shown.error_uri.startswith(CALLBACK + "?")
        assert (told["error"], told["state"], told["iss"]) == (error, "s 1", ISSUER), changes
        assert (await client.decide(browser, changes))["error"] == error
