"""Passwords: changed, forgotten, set anew; what that does to sessions."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import InvalidArgument, Unauthenticated
from kit.postgres import Postgres
from kit.testing import Rpc
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import serving_of

from .conftest import PASSWORD, Clock, Register
from .factor_world import Owner
from .mailbox import Mailbox, statements

ANNA, NEW = "anna@example.org", "tropical storm"


@pytest.fixture
def credentials(channel: grpc.aio.Channel) -> CredentialServiceStub:
    return CredentialServiceStub(channel)


@pytest.fixture
def mailbox(base: Base) -> Mailbox:
    return Mailbox(base)


async def log_in(users: UserServiceStub, password: str = PASSWORD, login: str = "anna") -> pb.CreateSessionResponse:
    return await users.CreateSession(pb.CreateSessionRequest(login=login, password=password))


async def goes_on(users: UserServiceStub, session: pb.CreateSessionResponse) -> bool:
    try:
        await users.RefreshSession(pb.RefreshSessionRequest(refresh_token=session.tokens.refresh_token))
    except Unauthenticated:
        return False
    return True


async def session_ids(users: UserServiceStub, account: pb.Account) -> list[int]:
    """Newest first."""
    found = await users.ListSessions(pb.ListSessionsRequest(viewer_id=account.profile.id))
    return [session.id for session in found.sessions]


async def forget(credentials: CredentialServiceStub, email: str = ANNA) -> None:
    await credentials.ForgetPassword(cpb.ForgetPasswordRequest(email=email, address="192.0.2.7", user_agent="camera/1"))


async def reset(credentials: CredentialServiceStub, token: str, password: str = NEW) -> None:
    await credentials.ResetPassword(cpb.ResetPasswordRequest(token=token, password=password))


async def test_a_changed_password_ends_all_sessions_but_ones_own(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    theirs, mine = await log_in(users), await log_in(users)
    request = cpb.ChangePasswordRequest(
        viewer_id=anna.profile.id,
        session_id=(await session_ids(users, anna))[0],
        current_password=PASSWORD,
        new_password=NEW,
    )
    await credentials.ChangePassword(request)
    assert (await goes_on(users, theirs), await goes_on(users, mine)) == (False, True)
    with pytest.raises(Unauthenticated):
        await log_in(users)
    assert await log_in(users, NEW)
    assert "password_changed" in await mailbox.templates(ANNA)


async def test_a_change_needs_the_right_password_and_a_good_new_one(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register
) -> None:
    anna = await register("anna")
    request = cpb.ChangePasswordRequest(viewer_id=anna.profile.id, current_password="wrong horse", new_password=NEW)
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await credentials.ChangePassword(request)
    request = cpb.ChangePasswordRequest(viewer_id=anna.profile.id, current_password=PASSWORD, new_password="anna1234")
    with pytest.raises(InvalidArgument) as caught:
        await credentials.ChangePassword(request)
    assert [fault.field for fault in caught.value.fields] == ["/new_password"]
    assert await log_in(users)


async def test_of_two_changes_at_once_one_wins(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register
) -> None:
    anna = await register("anna")

    async def change(new: str) -> object:
        request = cpb.ChangePasswordRequest(viewer_id=anna.profile.id, current_password=PASSWORD, new_password=new)
        return await credentials.ChangePassword(request)

    answers = await asyncio.gather(*(change(f"{NEW} {n}") for n in range(4)), return_exceptions=True)
    won = [n for n, answer in enumerate(answers) if not isinstance(answer, Exception)]
    assert len(won) == 1
    assert await log_in(users, f"{NEW} {won[0]}")


async def test_a_forgotten_password_is_set_anew_once_and_everybody_is_logged_out(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox, postgres: Postgres
) -> None:
    await register("anna")
    before = await log_in(users)
    await forget(credentials, "ANNA@example.org")
    token = await mailbox.token(ANNA, "password_reset")
    await reset(credentials, token)
    assert not await goes_on(users, before)
    with pytest.raises(Unauthenticated):
        await log_in(users)
    assert await log_in(users, NEW)
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await reset(credentials, token, "another storm")
    assert (await mailbox.templates(ANNA))[-1] == "password_was_reset"
    kinds = await postgres.primary.fetch("select kind, address from security_events where kind like 'password%'")
    assert {(row["kind"], row["address"]) for row in kinds} == {
        ("password_reset_requested", "192.0.2.7"),
        ("password_reset", ""),
    }


async def test_no_letter_opens_an_account_with_factors_to_an_address_that_nobody_confirmed(
    channel: grpc.aio.Channel,
    clock: Clock,
    credentials: CredentialServiceStub,
    register: Register,
    mailbox: Mailbox,
    postgres: Postgres,
) -> None:
    """Else somebody could make an account under another's address, and keep a passkey to it."""
    squatter = Owner((await register("anna")).profile.id, "anna", channel, clock)
    await forget(credentials)
    token = await mailbox.token(ANNA, "password_reset")
    await squatter.turn_totp_on()
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await reset(credentials, token)
    await forget(credentials)
    assert (await mailbox.templates(ANNA)).count("password_reset") == 1
    await postgres.primary.execute("update accounts set email_verified = true where user_id = $1", squatter.id)
    await forget(credentials)
    await reset(credentials, await mailbox.token(ANNA, "password_reset"))


async def test_who_followed_the_link_has_proved_the_address(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    await forget(credentials)
    await reset(credentials, await mailbox.token(ANNA, "password_reset"))
    found = await users.GetAccount(pb.GetAccountRequest(viewer_id=anna.profile.id))
    assert found.account.email_verified


async def test_asking_again_and_time_kill_a_link(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox, clock: Clock
) -> None:
    await register("anna")
    await forget(credentials)
    first = await mailbox.token(ANNA, "password_reset")
    await forget(credentials)
    second = await mailbox.token(ANNA, "password_reset")
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await reset(credentials, first)
    clock.move(hours=1)
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await reset(credentials, second)


async def test_a_weak_password_does_not_use_the_link_up(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    await register("anna")
    await forget(credentials)
    token = await mailbox.token(ANNA, "password_reset")
    with pytest.raises(InvalidArgument) as caught:
        await reset(credentials, token, "password1")
    assert [fault.field for fault in caught.value.fields] == ["/password"]
    await reset(credentials, token)
    assert await log_in(users, NEW)


async def test_tokens_of_one_kind_of_letter_are_no_good_for_another(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    await register("anna")
    await forget(credentials)
    verifying = await mailbox.token(ANNA, "verify_email")
    resetting = await mailbox.token(ANNA, "password_reset")
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await reset(credentials, verifying)
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await credentials.VerifyEmail(cpb.VerifyEmailRequest(token=resetting))


async def test_a_change_of_password_or_address_kills_the_link(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    user_id = anna.profile.id
    await forget(credentials)
    first = await mailbox.token(ANNA, "password_reset")
    await credentials.ChangePassword(
        cpb.ChangePasswordRequest(viewer_id=user_id, current_password=PASSWORD, new_password=NEW)
    )
    await forget(credentials)
    second = await mailbox.token(ANNA, "password_reset")
    await credentials.ChangeEmail(cpb.ChangeEmailRequest(viewer_id=user_id, password=NEW, email="anna@new.example"))
    token = await mailbox.token("anna@new.example", "change_email")
    await credentials.VerifyEmail(cpb.VerifyEmailRequest(token=token))
    for dead in (first, second):
        with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
            await reset(credentials, dead, "another storm")


async def test_an_address_of_nobody_gets_no_letter_and_the_call_is_the_same(
    settings: UserSettings, clock: Clock, rpc: Rpc, register: Register, mailbox: Mailbox
) -> None:
    await register("anna")
    await mailbox.letters(ANNA)
    async with AsyncExitStack() as stack:
        narrow = await open_base(stack, settings.model_copy(update={"postgres_pool_size": 1}), clock)
        credentials = CredentialServiceStub(await rpc(*serving_of(narrow).register))
        known = await statements(narrow.postgres, lambda: forget(credentials))
        unknown = await statements(narrow.postgres, lambda: forget(credentials, "nobody@example.org"))
        assert known == unknown
        assert len(known) == 1
    assert await mailbox.templates("nobody@example.org") == []
    assert await mailbox.templates(ANNA) == ["verify_email", "password_reset"]


async def test_a_hash_of_another_cost_is_made_anew_at_a_right_log_in_only(
    users: UserServiceStub, settings: UserSettings, clock: Clock, rpc: Rpc, register: Register, postgres: Postgres
) -> None:
    await register("anna")
    await register("berta")
    async with AsyncExitStack() as stack:
        dearer = await open_base(stack, settings.model_copy(update={"password_time_cost": 2}), clock)
        elsewhere = UserServiceStub(await rpc(*serving_of(dearer).register))
        await log_in(elsewhere)
        with pytest.raises(Unauthenticated):
            await log_in(elsewhere, "wrong horse", "berta")
        rows = await postgres.primary.fetch(
            "select username, password_hash like '%,t=2,%' as dear from credentials join accounts using (user_id)"
        )
        assert {row["username"]: row["dear"] for row in rows} == {"anna": True, "berta": False}
        assert await log_in(elsewhere)


async def test_a_password_of_the_breached_file_is_refused(
    settings: UserSettings, clock: Clock, rpc: Rpc, tmp_path: Path
) -> None:
    file = tmp_path / "breached.txt"
    file.write_text(hashlib.sha1(NEW.encode()).hexdigest().upper() + ":12\r\n")
    async with AsyncExitStack() as stack:
        strict = await open_base(stack, settings.model_copy(update={"breached_passwords_file": file}), clock)
        users = UserServiceStub(await rpc(*serving_of(strict).register))
        with pytest.raises(InvalidArgument) as caught:
            await users.RegisterAccount(pb.RegisterAccountRequest(username="anna", email="x", password=NEW))
        assert [fault.field for fault in caught.value.fields] == ["/email", "/password"]
