"""What the token endpoint refuses, and in which words; and what apps may be registered."""

import base64
from functools import partial

import grpc
import pytest
from heliograph.user.v1 import oauth_pb2 as pb
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.oauth_pb2_grpc import OAuthServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, Unauthenticated
from user_service.model.accounts import AccountState
from user_service.model.apps import MAX_APPS
from user_service.model.security import Device, Kind
from user_service.wiring.base import Base

from .conftest import Register
from .oauth_world import CALLBACK, Client, Said, log_in, make_app, parameters, said

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def oauth(channel: grpc.aio.Channel) -> OAuthServiceStub:
    return OAuthServiceStub(channel)


@pytest.fixture
async def maker(register: Register) -> int:
    return (await register("maker")).profile.id


@pytest.fixture
async def client(oauth: OAuthServiceStub, maker: int) -> Client:
    return await make_app(oauth, maker)


@pytest.fixture
async def browser(oauth: OAuthServiceStub, register: Register) -> str:
    await register("anna")
    return await log_in(oauth)


async def asked(oauth: OAuthServiceStub, values: dict[str, str], authorization: str = "") -> Said:
    request = pb.IssueTokenRequest(parameters=parameters(values), authorization=authorization)
    return said((await oauth.IssueToken(request)).answer)


def basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


async def test_a_code_is_bound_to_its_request_and_good_for_one_attempt(client: Client, browser: str) -> None:
    for changes, error in (
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": "https://app.example/other"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
    ):
        code = await client.code(browser)
        answer = await client.redeem(code, **changes)
        assert (answer.status, answer.error) == (400, error), changes
        assert (await client.redeem(code)).error == "invalid_grant"


async def test_another_app_gets_nothing_for_a_code_and_does_not_spoil_it(
    client: Client, browser: str, oauth: OAuthServiceStub, maker: int
) -> None:
    thief = await make_app(oauth, maker)
    thief.verifier = client.verifier
    code = await client.code(browser)
    assert (await thief.redeem(code)).error == "invalid_grant"
    given = await client.redeem(code)
    assert given.status == 200
    assert (await thief.refresh(given.body["refresh_token"])).error == "invalid_grant"
    assert (await client.refresh(given.body["refresh_token"])).status == 200


async def test_a_client_that_does_not_prove_who_it_is_is_refused(
    oauth: OAuthServiceStub, client: Client, browser: str
) -> None:
    name, secret = client.app.client_id, client.secret
    form = {"grant_type": "client_credentials"}
    for values, authorization, status, error in (
        (form, basic(f"{name}:wrong"), 401, "invalid_client"),
        (form, basic(f"{name}:"), 401, "invalid_client"),
        (form, basic(f"app-1:{secret}"), 401, "invalid_client"),
        (form, basic(b"\xff\xfe:x"), 401, "invalid_client"),
        (form, "Basic !", 401, "invalid_client"),
        (form, "Bearer x", 401, "invalid_client"),
        ({**form, "client_id": name, "client_secret": "wrong"}, "", 401, "invalid_client"),
        ({**form, "client_id": name}, "", 401, "invalid_client"),
        (form, "", 401, "invalid_client"),
        ({**form, "client_secret": secret}, basic(f"{name}:{secret}"), 400, "invalid_request"),
        ({**form, "client_id": "app-1"}, basic(f"{name}:{secret}"), 400, "invalid_request"),
    ):
        answer = await asked(oauth, values, authorization)
        assert (answer.status, answer.error) == (status, error), (values, authorization)
        assert answer.challenge.startswith("Basic ") is (status == 401)
    code = await client.code(browser)
    without = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": name}
    assert (await asked(oauth, {**without, "code_verifier": client.verifier})).error == "invalid_client"
    # Who proved nothing has spoilt nothing.
    post = {**without, "code_verifier": client.verifier, "client_secret": secret}
    assert (await asked(oauth, post)).status == 200


async def test_apps_of_a_suspended_maker_get_nothing_until_it_is_restored(
    base: Base, client: Client, browser: str, maker: int
) -> None:
    tokens = (await client.redeem(await client.code(browser))).body
    code = await client.code(browser)
    change = partial(base.states.change, maker, device=Device())
    await change(AccountState.SUSPENDED, allowed_from=[AccountState.ACTIVE], kind=Kind.SUSPENDED)
    for answer in (
        await client.token(grant_type="client_credentials"),
        await client.redeem(code),
        await client.refresh(tokens["refresh_token"]),
    ):
        assert (answer.status, answer.error) == (401, "invalid_client")
    await change(AccountState.ACTIVE, allowed_from=[AccountState.SUSPENDED], kind=Kind.RESTORED)
    assert (await client.refresh(tokens["refresh_token"])).status == 200


async def test_requests_that_are_none_are_refused(oauth: OAuthServiceStub, client: Client) -> None:
    for values, error in (
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "anna", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "ü"}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "hgr_x"}, "invalid_grant"),
    ):
        answer = await client.token(**values)
        assert (answer.status, answer.error) == (400, error), values
    twice = [*parameters({"grant_type": "client_credentials"}), pb.Parameter(name="scope"), pb.Parameter(name="scope")]
    request = pb.IssueTokenRequest(parameters=twice, authorization=client.basic)
    assert said((await oauth.IssueToken(request)).answer).error == "invalid_request"


async def test_a_refresh_token_of_our_own_clients_is_no_apps(
    oauth: OAuthServiceStub, client: Client, register: Register, channel: grpc.aio.Channel
) -> None:
    await register("anna")
    users = UserServiceStub(channel)
    own = await users.CreateSession(user_pb2.CreateSessionRequest(login="anna", password="correct horse"))
    assert (await client.refresh(own.tokens.refresh_token)).error == "invalid_grant"
    assert (await client.introspect(own.tokens.refresh_token)).body == {"active": False}
    assert (await client.introspect(own.tokens.access_token)).body == {"active": False}
    given = (await client.redeem(await client.code(await log_in(oauth)))).body
    with pytest.raises(Unauthenticated, match="BAD_REFRESH_TOKEN"):
        await users.RefreshSession(user_pb2.RefreshSessionRequest(refresh_token=given["refresh_token"]))


async def test_an_app_is_its_makers_alone(oauth: OAuthServiceStub, client: Client, register: Register) -> None:
    other, app_id = (await register("berta")).profile.id, client.app.id
    for call in (
        oauth.GetApp(pb.GetAppRequest(viewer_id=other, app_id=app_id)),
        oauth.UpdateApp(pb.UpdateAppRequest(viewer_id=other, app_id=app_id)),
        oauth.DeleteApp(pb.DeleteAppRequest(viewer_id=other, app_id=app_id)),
        oauth.RenewAppSecret(pb.RenewAppSecretRequest(viewer_id=other, app_id=app_id)),
    ):
        with pytest.raises(NotFound, match="APP_NOT_FOUND"):
            await call
    assert not (await oauth.ListApps(pb.ListAppsRequest(viewer_id=other))).apps


async def test_an_app_is_changed_by_name(oauth: OAuthServiceStub, client: Client, maker: int) -> None:
    request = pb.UpdateAppRequest(
        viewer_id=maker, app_id=client.app.id, app=pb.App(name="Prism", scopes=["read"], website="http://left.out")
    )
    request.update_mask.paths.extend(["name", "scopes", "client_type"])
    changed = (await oauth.UpdateApp(request)).app
    assert (changed.name, list(changed.scopes), changed.website) == ("Prism", ["read"], "")
    assert changed.client_type == pb.CLIENT_TYPE_CONFIDENTIAL
    (listed,) = (await oauth.ListApps(pb.ListAppsRequest(viewer_id=maker))).apps
    assert listed == changed


async def test_all_faults_of_an_app_are_told_at_once(oauth: OAuthServiceStub, maker: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await make_app(
            oauth,
            maker,
            name="",
            website="x",
            redirect_uris=["http://app.example/", CALLBACK],
            scopes=["read", "admin"],
        )
    assert {fault.field for fault in caught.value.fields} == {
        "/name", "/website", "/redirect_uris/0", "/scopes/1",
    }  # fmt: skip


async def test_a_repeated_request_makes_one_app(oauth: OAuthServiceStub, maker: int) -> None:
    first = await make_app(oauth, maker, request_id="r1")
    again = await make_app(oauth, maker, request_id="r1")
    assert first.app == again.app
    assert first.secret != again.secret
    assert (await again.token(grant_type="client_credentials")).status == 200
    assert (await first.token(grant_type="client_credentials")).error == "invalid_client"


async def test_a_public_app_has_no_secret_to_renew(oauth: OAuthServiceStub, maker: int) -> None:
    client = await make_app(oauth, maker, confidential=False)
    assert not client.secret
    with pytest.raises(FailedPrecondition, match="APP_IS_PUBLIC"):
        await oauth.RenewAppSecret(pb.RenewAppSecretRequest(viewer_id=maker, app_id=client.app.id))


async def test_an_account_has_so_many_apps_and_no_more(oauth: OAuthServiceStub, maker: int) -> None:
    for _ in range(MAX_APPS):
        await make_app(oauth, maker)
    with pytest.raises(ResourceExhausted, match="TOO_MANY_APPS"):
        await make_app(oauth, maker)
