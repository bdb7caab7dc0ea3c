"""The authorization server's way from a request to tokens, and their end."""

import asyncio
import json

import grpc
import pytest
from heliograph.user.v1 import oauth_pb2 as pb
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.oauth_pb2_grpc import OAuthServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from joserfc.jws import extract_compact
from kit.errors import NotFound, Unauthenticated
from kit.postgres import Postgres

from .conftest import Clock, Register
from .oauth_world import CALLBACK, ISSUER, Client, log_in, make_app

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def oauth(channel: grpc.aio.Channel) -> OAuthServiceStub:
    return OAuthServiceStub(channel)


@pytest.fixture
async def anna(register: Register) -> int:
    return (await register("anna")).profile.id


@pytest.fixture
async def maker(register: Register) -> int:
    return (await register("maker")).profile.id


@pytest.fixture
async def client(oauth: OAuthServiceStub, maker: int) -> Client:
    return await make_app(oauth, maker)


@pytest.fixture(params=[True, False], ids=["confidential", "public"])
async def either(oauth: OAuthServiceStub, maker: int, request: pytest.FixtureRequest) -> Client:
    return await make_app(oauth, maker, confidential=request.param)


@pytest.fixture
async def browser(oauth: OAuthServiceStub, anna: int) -> str:
    return await log_in(oauth)


def claims(access_token: str) -> dict[str, object]:
    return json.loads(extract_compact(access_token.encode()).payload)


async def revoked(users: UserServiceStub) -> set[str]:
    found = await users.ListRevocations(user_pb2.ListRevocationsRequest())
    return {str(one.session_id) for one in found.revocations}


async def events(postgres: Postgres, user_id: int) -> list[str]:
    rows = await postgres.primary.fetch(
        "select kind from security_events where user_id = $1 order by event_id", user_id
    )
    return [row["kind"] for row in rows]


async def test_an_app_asks_and_is_shown_to_whoever_is_logged_in(client: Client, browser: str, anna: int) -> None:
    shown = await client.begin()
    assert (shown.app.name, shown.owner, shown.username) == ("Lens", "maker", "")
    shown = await client.begin(browser)
    assert (shown.username, list(shown.scopes), shown.redirect_uri) == ("anna", ["read", "write"], CALLBACK)
    assert not shown.error_uri


async def test_a_code_becomes_tokens(either: Client, browser: str, anna: int) -> None:
    told = await either.decide(browser)
    assert (told["state"], told["iss"]) == ("s 1", ISSUER)
    answer = await either.redeem(told["code"])
    assert answer.status == 200, answer
    assert (answer.body["token_type"], answer.body["expires_in"], answer.body["scope"]) == ("Bearer", 900, "read write")
    found = claims(answer.body["access_token"])
    assert (found["sub"], found["client_id"], found["scope"]) == (str(anna), either.app.client_id, "read write")


async def test_without_a_scope_it_is_read(client: Client, browser: str) -> None:
    assert (await client.redeem(await client.code(browser, scope=None))).body["scope"] == "read"


async def test_who_says_no_is_not_asked_for_more(client: Client, browser: str) -> None:
    told = await client.decide(browser, allowed=False)
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "s 1", ISSUER)
    assert "code" not in told


async def test_a_refresh_rotates_and_narrows_but_never_widens(either: Client, browser: str) -> None:
    first = (await either.redeem(await either.code(browser))).body
    narrow = (await either.refresh(first["refresh_token"], scope="read")).body
    assert narrow["scope"] == "read"
    assert claims(narrow["access_token"])["scope"] == "read"
    wide = await either.refresh(narrow["refresh_token"], scope="read follow")
    assert (wide.status, wide.error) == (400, "invalid_scope")
    whole = await either.refresh(narrow["refresh_token"])
    assert whole.body["scope"] == "read write"
    assert len({first["refresh_token"], narrow["refresh_token"], whole.body["refresh_token"]}) == 3


async def test_a_refresh_token_that_comes_again_ends_the_grant(
    client: Client, browser: str, clock: Clock, users: UserServiceStub
) -> None:
    old = (await client.redeem(await client.code(browser))).body
    new = (await client.refresh(old["refresh_token"])).body
    clock.move(seconds=11)
    for token in (old, new):
        assert (await client.refresh(token["refresh_token"])).error == "invalid_grant"
    assert await revoked(users) == {str(claims(old["access_token"])["sid"])}


async def test_a_code_that_comes_again_ends_what_it_gave(
    either: Client, browser: str, users: UserServiceStub, postgres: Postgres, anna: int
) -> None:
    code = await either.code(browser)
    given = (await either.redeem(code)).body
    again = await either.redeem(code)
    assert (again.status, again.error) == (400, "invalid_grant")
    assert await revoked(users) == {str(claims(given["access_token"])["sid"])}
    assert (await either.refresh(given["refresh_token"])).error == "invalid_grant"
    assert "code_reused" in await events(postgres, anna)


async def test_of_one_code_at_many_places_at_once_nothing_is_left(
    client: Client, browser: str, users: UserServiceStub
) -> None:
    code = await client.code(browser)
    answers = await asyncio.gather(*(client.redeem(code) for _ in range(8)))
    (given,) = [answer.body for answer in answers if answer.status == 200]
    assert {answer.error for answer in answers if answer.status != 200} == {"invalid_grant"}
    assert await revoked(users) == {str(claims(given["access_token"])["sid"])}


async def test_a_code_is_good_for_a_minute(client: Client, browser: str, clock: Clock) -> None:
    code = await client.code(browser)
    clock.move(seconds=60)
    assert (await client.redeem(code)).error == "invalid_grant"


async def test_a_code_dies_with_the_log_in_that_gave_it(client: Client, browser: str, oauth: OAuthServiceStub) -> None:
    code = await client.code(browser)
    await oauth.LogOutBrowser(pb.LogOutBrowserRequest(browser_token=browser))
    assert (await client.redeem(code)).error == "invalid_grant"
    assert not (await client.begin(browser)).username


async def test_neither_codes_nor_secrets_nor_browser_tokens_are_stored(
    client: Client, browser: str, postgres: Postgres
) -> None:
    code = await client.code(browser)
    for table in ("apps", "authorization_codes", "browser_logins"):
        rows = str([tuple(row.values()) for row in await postgres.primary.fetch(f"select * from {table}")])
        assert code not in rows
        assert browser not in rows
        assert not client.secret or client.secret not in rows


async def test_an_app_reads_for_itself(oauth: OAuthServiceStub, maker: int, users: UserServiceStub) -> None:
    client = await make_app(oauth, maker)
    answer = await client.token(grant_type="client_credentials")
    assert (answer.status, answer.body["scope"]) == (200, "read")
    assert "refresh_token" not in answer.body
    found = claims(answer.body["access_token"])
    assert found["sub"] == found["client_id"] == client.app.client_id
    assert (await client.introspect(answer.body["access_token"])).body["active"] is True
    assert (await client.token(grant_type="client_credentials", scope="write")).error == "invalid_scope"
    renewed = await oauth.RenewAppSecret(pb.RenewAppSecretRequest(viewer_id=maker, app_id=client.app.id))
    assert await revoked(users) == {str(found["sid"])}
    assert (await client.token(grant_type="client_credentials")).error == "invalid_client"
    client.secret = renewed.client_secret
    assert (await client.token(grant_type="client_credentials")).status == 200
    assert (await client.introspect(answer.body["access_token"])).body == {"active": False}


async def test_a_public_app_has_nothing_of_its_own(oauth: OAuthServiceStub, maker: int) -> None:
    client = await make_app(oauth, maker, confidential=False)
    assert (await client.token(grant_type="client_credentials")).error in ("invalid_client", "unauthorized_client")


async def test_revoking_ends_the_grant_and_is_the_same_for_what_never_was(
    either: Client, browser: str, users: UserServiceStub
) -> None:
    for which in ("access_token", "refresh_token"):
        given = (await either.redeem(await either.code(browser))).body
        assert (await either.revoke(given[which])).status == 200
        assert str(claims(given["access_token"])["sid"]) in await revoked(users)
        assert (await either.refresh(given["refresh_token"])).error == "invalid_grant"
    for never in ("x", "hgr_x", given["access_token"]):
        answer = await either.revoke(never)
        assert (answer.status, answer.body) == (200, {})


async def test_introspection_tells_of_ones_own_tokens_alone(oauth: OAuthServiceStub, maker: int, browser: str) -> None:
    client, other = await make_app(oauth, maker), await make_app(oauth, maker)
    given = (await client.redeem(await client.code(browser))).body
    for token in (given["access_token"], given["refresh_token"]):
        answer = await client.introspect(token)
        assert (answer.body["active"], answer.body["scope"]) == (True, "read write")
        assert answer.body["client_id"] == client.app.client_id
        assert (await other.introspect(token)).body == {"active": False}
    refused = await other.revoke(given["refresh_token"])
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert (await client.introspect(given["refresh_token"])).body["active"] is True


async def test_people_see_and_remove_the_apps_they_let_in(
    client: Client, browser: str, oauth: OAuthServiceStub, anna: int, users: UserServiceStub, postgres: Postgres
) -> None:
    given = (await client.redeem(await client.code(browser, scope="write email"))).body
    (shown,) = (await oauth.ListAuthorizedApps(pb.ListAuthorizedAppsRequest(viewer_id=anna))).apps
    assert (shown.id, shown.name, sorted(shown.scopes)) == (client.app.id, "Lens", ["email", "write"])
    waiting = await client.code(browser)
    await oauth.RemoveAuthorizedApp(pb.RemoveAuthorizedAppRequest(viewer_id=anna, app_id=client.app.id))
    assert not (await oauth.ListAuthorizedApps(pb.ListAuthorizedAppsRequest(viewer_id=anna))).apps
    assert await revoked(users) == {str(claims(given["access_token"])["sid"])}
    assert (await client.redeem(waiting)).error == "invalid_grant"
    with pytest.raises(NotFound, match="APP_NOT_FOUND"):
        await oauth.RemoveAuthorizedApp(pb.RemoveAuthorizedAppRequest(viewer_id=anna, app_id=client.app.id))
    assert [kind for kind in await events(postgres, anna) if kind.startswith("app_")] == [
        "app_authorised", "app_authorised", "app_removed",
    ]  # fmt: skip


async def test_with_the_app_goes_all_that_it_was_given(
    client: Client, browser: str, oauth: OAuthServiceStub, maker: int, users: UserServiceStub
) -> None:
    given = (await client.redeem(await client.code(browser))).body
    waiting = await client.code(browser)
    await oauth.DeleteApp(pb.DeleteAppRequest(viewer_id=maker, app_id=client.app.id))
    assert str(claims(given["access_token"])["sid"]) in await revoked(users)
    assert (await client.refresh(given["refresh_token"])).error == "invalid_client"
    assert (await client.redeem(waiting)).error == "invalid_client"


async def test_a_suspended_account_gives_and_keeps_nothing(client: Client, browser: str, postgres: Postgres) -> None:
    given = (await client.redeem(await client.code(browser))).body
    waiting = await client.code(browser)
    await postgres.primary.execute("update accounts set state = 2 where username = 'anna'")
    assert (await client.refresh(given["refresh_token"])).error == "invalid_grant"
    assert (await client.redeem(waiting)).error == "invalid_grant"
    with pytest.raises(Unauthenticated, match="BROWSER_NOT_LOGGED_IN"):
        await client.decide(browser)


async def test_a_browsers_log_in_lasts_half_a_day_and_is_one_of_the_accounts_sessions(
    client: Client, browser: str, users: UserServiceStub, anna: int, clock: Clock
) -> None:
    (session,) = (await users.ListSessions(user_pb2.ListSessionsRequest(viewer_id=anna))).sessions
    assert session.user_agent == "Lynx"
    clock.move(hours=11.9)
    assert (await client.begin(browser)).username == "anna"
    clock.move(hours=0.2)
    assert not (await client.begin(browser)).username
