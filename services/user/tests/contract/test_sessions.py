import asyncio
import json
from contextlib import AsyncExitStack
from statistics import median
from time import perf_counter

import pytest
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from joserfc import jwt
from joserfc.jwk import KeySet
from kit.errors import Aborted, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from kit.postgres import Postgres
from kit.proto import datetime_of
from kit.testing import Rpc
from user_service.model.security import Device
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import serving_of

from .conftest import PASSWORD, Clock, Register, meeting_at

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


async def log_in(users: UserServiceStub, login: str = "anna", password: str = PASSWORD) -> pb.CreateSessionResponse:
    request = pb.CreateSessionRequest(login=login, password=password, user_agent="Test\0/1", address="192.0.2.1")
    return await users.CreateSession(request)


async def refresh(users: UserServiceStub, token: str) -> pb.RefreshSessionResponse:
    return await users.RefreshSession(pb.RefreshSessionRequest(refresh_token=token, address="192.0.2.2"))


async def sessions(users: UserServiceStub, user_id: int) -> list[pb.Session]:
    return list((await users.ListSessions(pb.ListSessionsRequest(viewer_id=user_id))).sessions)


async def revocations(users: UserServiceStub, after: int = 0, size: int = 0) -> pb.ListRevocationsResponse:
    return await users.ListRevocations(pb.ListRevocationsRequest(after_revision=after, page_size=size))


async def claims(users: UserServiceStub, access_token: str) -> dict[str, object]:
    keys = KeySet.import_key_set(json.loads((await users.GetJwks(pb.GetJwksRequest())).jwks_json))
    return dict(jwt.decode(access_token, keys, algorithms=["EdDSA"]).claims)


@pytest.mark.parametrize("login", ["anna", "ANNA", "anna@example.org", "Anna@EXAMPLE.org", " anna "])
async def test_a_log_in_by_username_or_address_gives_tokens_that_the_published_keys_verify(
    users: UserServiceStub, register: Register, login: str
) -> None:
    profile = (await register()).profile
    answer = await log_in(users, login)
    (session,) = await sessions(users, profile.id)
    said = await claims(users, answer.tokens.access_token)
    assert answer.profile == profile
    assert answer.tokens.expires_in_seconds == 900
    assert (said["iss"], said["aud"]) == ("heliograph", "heliograph-api")
    assert (said["sub"], said["sid"]) == (str(profile.id), str(session.id))


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("anna", "wrong horse"),
        ("anna", ""),
        ("anna", "x" * 100_000),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("", PASSWORD),
        ("anna\0x", PASSWORD),
        ("x" * 10_000, PASSWORD),
    ],
)
async def test_every_wrong_log_in_gets_the_same_answer(
    users: UserServiceStub, register: Register, login: str, password: str
) -> None:
    await register()
    with pytest.raises(Unauthenticated) as caught:
        await log_in(users, login, password)
    assert (caught.value.reason, caught.value.message) == ("BAD_CREDENTIALS", "the login or the password is wrong")


async def test_that_an_account_is_suspended_is_told_to_whoever_knows_its_password(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    await register()
    await postgres.primary.execute("update accounts set state = 2")
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await log_in(users, password="wrong horse")
    with pytest.raises(PermissionDenied, match="ACCOUNT_SUSPENDED"):
        await log_in(users)


async def test_a_password_may_be_typed_in_other_code_points(users: UserServiceStub) -> None:
    request = pb.RegisterAccountRequest(username="anna", email="a@example.org", password="pässwörter")
    await users.RegisterAccount(request)
    assert await log_in(users, password="pa\u0308sswo\u0308rter")


async def test_no_token_is_stored(users: UserServiceStub, register: Register, postgres: Postgres) -> None:
    await register()
    token = (await log_in(users)).tokens.refresh_token
    row = str(dict((await postgres.primary.fetch("select * from sessions"))[0]))
    assert token not in row
    assert len(await postgres.primary.fetchval("select token_hash from sessions")) == 32


async def test_a_refresh_gives_new_tokens_of_the_same_session(users: UserServiceStub, register: Register) -> None:
    profile = (await register()).profile
    first = (await log_in(users)).tokens
    second = (await refresh(users, first.refresh_token)).tokens
    third = (await refresh(users, second.refresh_token)).tokens
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert (await claims(users, third.access_token))["sid"] == (await claims(users, first.access_token))["sid"]
    (session,) = await sessions(users, profile.id)
    assert (session.user_agent, session.address) == ("Test/1", "192.0.2.2")


async def test_a_session_has_a_name_and_knows_its_last_use(
    users: UserServiceStub, register: Register, clock: Clock
) -> None:
    profile = (await register()).profile
    await log_in(users)
    named = pb.CreateSessionRequest(login="anna", password=PASSWORD, device_name=" Anna's phone ", user_agent="x/1")
    token = (await users.CreateSession(named)).tokens.refresh_token
    clock.move(minutes=5)
    await refresh(users, token)
    phone, other = await sessions(users, profile.id)
    assert (phone.device_name, other.device_name) == ("Anna's phone", "Test")
    assert (datetime_of(phone.last_used_at) - datetime_of(phone.created_at)).total_seconds() == 300
    assert other.last_used_at == other.created_at


async def test_all_other_sessions_end_at_once_and_apps_keep_theirs(
    users: UserServiceStub, base: Base, register: Register
) -> None:
    account = await base.accounts.get((await register()).profile.id)
    assert account
    app = await base.grants.open(account, Device(), scopes=("read",), app_id=7)
    mine = (await log_in(users)).tokens
    others = [(await log_in(users)).tokens for _ in range(2)]
    keep = int(str((await claims(users, mine.access_token))["sid"]))
    ended = await base.grants.revoke_others(account.profile.id, keep, Device())
    assert [session.id for session in await sessions(users, account.profile.id)] == [keep]
    assert {one.session_id for one in (await revocations(users)).revocations} == set(ended)
    assert len(ended) == 2
    for tokens in others:
        with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
            await refresh(users, tokens.refresh_token)
    assert await refresh(users, mine.refresh_token)
    assert await base.grants.refresh(app.refresh_token, address="", app_id=7)


async def test_of_many_refreshes_at_once_one_wins_and_the_session_lives(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    await register()
    token = (await log_in(users)).tokens.refresh_token
    async with meeting_at(postgres, "select from sessions", 8):
        refreshing = [asyncio.create_task(refresh(users, token)) for _ in range(8)]
    answers = await asyncio.gather(*refreshing, return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, pb.RefreshSessionResponse)]
    lost = [answer for answer in answers if isinstance(answer, Aborted)]
    assert (len(won), len(lost)) == (1, 7)
    assert {error.reason for error in lost} == {"REFRESH_IN_PROGRESS"}
    assert await refresh(users, won[0].tokens.refresh_token)
    assert not (await revocations(users)).revocations


async def test_a_token_used_again_within_ten_seconds_is_forgiven(
    users: UserServiceStub, register: Register, clock: Clock
) -> None:
    await register()
    old = (await log_in(users)).tokens.refresh_token
    new = (await refresh(users, old)).tokens.refresh_token
    clock.move(seconds=10)
    with pytest.raises(Aborted, match="REFRESH_IN_PROGRESS"):
        await refresh(users, old)
    assert await refresh(users, new)


async def test_a_token_used_again_later_ends_the_session_for_everybody(
    users: UserServiceStub, register: Register, clock: Clock, postgres: Postgres
) -> None:
    profile = (await register()).profile
    old = (await log_in(users)).tokens
    new = (await refresh(users, old.refresh_token)).tokens
    clock.move(seconds=10.001)
    for token in (old.refresh_token, new.refresh_token, old.refresh_token):
        with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
            await refresh(users, token)
    (revoked,) = (await revocations(users)).revocations
    assert str(revoked.session_id) == (await claims(users, old.access_token))["sid"]
    assert await sessions(users, profile.id) == []
    logged = await postgres.primary.fetch("select session_id from security_events where kind = 'refresh_token_reused'")
    assert [row["session_id"] for row in logged] == [revoked.session_id]


async def test_a_session_ends_sixty_days_after_its_last_refresh(
    users: UserServiceStub, register: Register, clock: Clock
) -> None:
    profile = (await register()).profile
    token = (await log_in(users)).tokens.refresh_token
    clock.move(days=59)
    token = (await refresh(users, token)).tokens.refresh_token
    clock.move(days=60)
    assert await sessions(users, profile.id) == []
    with pytest.raises(Unauthenticated, match="BAD_REFRESH_TOKEN"):
        await refresh(users, token)


@pytest.mark.parametrize("token", ["", "nonsense", "hgr_", "hgr_" + "A" * 86, "hgr_" + "ä" * 86, "x" * 100_000])
async def test_what_never_was_a_token_is_refused(users: UserServiceStub, token: str) -> None:
    with pytest.raises(Unauthenticated, match="BAD_REFRESH_TOKEN"):
        await refresh(users, token)


async def test_an_account_that_is_no_longer_active_cannot_refresh(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    await register()
    token = (await log_in(users)).tokens.refresh_token
    await postgres.primary.execute("update accounts set state = 2")
    with pytest.raises(Unauthenticated, match="BAD_REFRESH_TOKEN"):
        await refresh(users, token)


async def test_sessions_are_listed_newest_first_in_pages(users: UserServiceStub, register: Register) -> None:
    profile = (await register()).profile
    sids = [int(str((await claims(users, (await log_in(users)).tokens.access_token))["sid"])) for _ in range(5)]
    seen: list[pb.Session] = []
    request = pb.ListSessionsRequest(viewer_id=profile.id, current_session_id=sids[1], page_size=2)
    sizes: list[int] = []
    while True:
        page = await users.ListSessions(request)
        seen += page.sessions
        sizes.append(len(page.sessions))
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert sizes == [2, 2, 1]
    assert [session.id for session in seen] == sids[::-1]
    assert [session.id for session in seen if session.current] == [sids[1]]


@pytest.mark.parametrize("token", ["x", "-1", "1.0", "9" * 30, "²"])
async def test_a_bad_page_token_is_refused(users: UserServiceStub, token: str) -> None:
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        await users.ListSessions(pb.ListSessionsRequest(viewer_id=1, page_token=token))


async def test_a_revoked_session_cannot_go_on_and_ending_it_twice_is_fine(
    users: UserServiceStub, register: Register, clock: Clock
) -> None:
    profile = (await register()).profile
    ended, other = (await log_in(users)).tokens, (await log_in(users)).tokens
    sid = int(str((await claims(users, ended.access_token))["sid"]))
    for _ in range(2):
        await users.RevokeSession(pb.RevokeSessionRequest(viewer_id=profile.id, session_id=sid))
    with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
        await refresh(users, ended.refresh_token)
    assert await refresh(users, other.refresh_token)
    (revoked,) = (await revocations(users)).revocations
    assert revoked.session_id == sid
    assert (datetime_of(revoked.expires_at) - clock.now).total_seconds() == pytest.approx(960, abs=1)


async def test_nobody_ends_the_session_of_another(users: UserServiceStub, register: Register) -> None:
    await register("anna")
    berta = (await register("berta")).profile
    tokens = (await log_in(users)).tokens
    sid = int(str((await claims(users, tokens.access_token))["sid"]))
    with pytest.raises(NotFound, match="SESSION_NOT_FOUND"):
        await users.RevokeSession(pb.RevokeSessionRequest(viewer_id=berta.id, session_id=sid))
    assert await refresh(users, tokens.refresh_token)


async def test_revocations_are_read_on_from_the_last_one_seen_until_they_matter_no_more(
    users: UserServiceStub, register: Register, clock: Clock
) -> None:
    profile = (await register()).profile
    for _ in range(3):
        await log_in(users)
    ids = [session.id for session in await sessions(users, profile.id)]
    for session_id in ids:
        await users.RevokeSession(pb.RevokeSessionRequest(viewer_id=profile.id, session_id=session_id))
    first = await revocations(users, size=2)
    rest = await revocations(users, first.revision)
    assert [one.session_id for one in (*first.revocations, *rest.revocations)] == ids
    nothing_new = await revocations(users, rest.revision)
    assert (list(nothing_new.revocations), nothing_new.revision) == ([], rest.revision)
    clock.move(minutes=17)
    assert not (await revocations(users)).revocations


async def test_an_unknown_login_takes_as_long_as_a_wrong_password(settings: UserSettings, rpc: Rpc) -> None:
    """At a real cost, beside which all else is small; rough, since machines are busy."""
    async with AsyncExitStack() as stack:
        opened = await open_base(stack, settings.model_copy(update={"password_memory_kib": 47_104}), Clock())
        users = UserServiceStub(await rpc(*serving_of(opened).register))
        await users.RegisterAccount(
            pb.RegisterAccountRequest(username="anna", email="anna@example.org", password=PASSWORD)
        )
        known = median([await _refusal_seconds(users, "anna") for _ in range(5)])
        unknown = median([await _refusal_seconds(users, "nobody") for _ in range(5)])
    assert unknown > known / 2


async def _refusal_seconds(users: UserServiceStub, login: str) -> float:
    started = perf_counter()
    with pytest.raises(Unauthenticated):
        await log_in(users, login, "wrong horse")
    return perf_counter() - started
