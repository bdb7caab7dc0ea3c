"""E-mail addresses: confirmed, changed, asked for again; nobody learns whose one is."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest
from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import AlreadyExists, InvalidArgument, PermissionDenied, Unauthenticated
from kit.postgres import Postgres
from kit.testing import Rpc
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import serving_of

from .conftest import PASSWORD, Clock, Register
from .mailbox import Mailbox, statements

ANNA = "anna@example.org"


@pytest.fixture
def credentials(channel: grpc.aio.Channel) -> CredentialServiceStub:
    return CredentialServiceStub(channel)


@pytest.fixture
def mailbox(base: Base) -> Mailbox:
    return Mailbox(base)


async def account_of(users: UserServiceStub, made: pb.Account) -> pb.Account:
    return (await users.GetAccount(pb.GetAccountRequest(viewer_id=made.profile.id))).account


async def log_in(users: UserServiceStub, login: str, password: str = PASSWORD) -> pb.Profile:
    return (await users.CreateSession(pb.CreateSessionRequest(login=login, password=password))).profile


async def change(credentials: CredentialServiceStub, account: pb.Account, email: str, password: str = PASSWORD) -> None:
    request = cpb.ChangeEmailRequest(viewer_id=account.profile.id, password=password, email=email)
    await credentials.ChangeEmail(request)


async def verify(credentials: CredentialServiceStub, token: str) -> None:
    await credentials.VerifyEmail(cpb.VerifyEmailRequest(token=token))


async def test_a_new_account_confirms_its_address_once(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox, postgres: Postgres
) -> None:
    anna = await register("anna")
    token = await mailbox.token(ANNA, "verify_email")
    assert (
        await postgres.primary.fetchval("select count(*) from letter_tokens where token_hash::text like $1", token) == 0
    )
    await verify(credentials, token)
    assert (await account_of(users, anna)).email_verified
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await verify(credentials, token)
    assert await postgres.primary.fetchval("select count(*) from security_events where kind = 'email_verified'") == 1


async def test_asking_again_kills_the_token_before(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    await register("anna")
    first = await mailbox.token(ANNA, "verify_email")
    await credentials.RequestVerification(cpb.RequestVerificationRequest(email="Anna@Example.ORG"))
    second = await mailbox.token(ANNA, "verify_email")
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await verify(credentials, first)
    await verify(credentials, second)
    await credentials.RequestVerification(cpb.RequestVerificationRequest(email=ANNA))
    assert await mailbox.templates(ANNA) == ["verify_email", "verify_email"]


async def test_a_token_lives_for_three_days(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox, clock: Clock
) -> None:
    await register("anna")
    token = await mailbox.token(ANNA, "verify_email")
    clock.move(days=3)
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await verify(credentials, token)


@pytest.mark.parametrize("token", ["", "hgm_", "x" * 500, "hgm_" + "A" * 55, "hgr_AAAA", "hgm_ü"])
async def test_what_is_no_token_is_refused(credentials: CredentialServiceStub, token: str) -> None:
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await verify(credentials, token)


async def test_an_address_changes_when_its_link_is_followed_and_not_before(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    await verify(credentials, await mailbox.token(ANNA, "verify_email"))
    await change(credentials, anna, "Anna@new.example")
    token = await mailbox.token("Anna@new.example", "change_email")
    assert (await account_of(users, anna)).email == ANNA
    await verify(credentials, token)
    after = await account_of(users, anna)
    assert (after.email, after.email_verified) == ("Anna@new.example", True)
    assert (await log_in(users, "anna@new.example")).id == anna.profile.id
    with pytest.raises(Unauthenticated):
        await log_in(users, ANNA)
    assert await mailbox.templates(ANNA) == ["verify_email", "email_change_requested", "email_changed"]


async def test_the_old_address_is_free_for_others_after_a_change(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    await change(credentials, anna, "anna@new.example")
    await verify(credentials, await mailbox.token("anna@new.example", "change_email"))
    other = pb.RegisterAccountRequest(username="berta", email=ANNA, password=PASSWORD)
    berta = (await users.RegisterAccount(other)).account
    await verify(credentials, await mailbox.token(ANNA, "verify_email"))
    assert (await account_of(users, berta)).email_verified


async def test_a_change_needs_the_password_and_an_address(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await change(credentials, anna, "anna@new.example", "wrong horse")
    with pytest.raises(InvalidArgument) as caught:
        await change(credentials, anna, "anna@new.example\nBcc: x@example.org")
    assert [fault.field for fault in caught.value.fields] == ["/email"]
    assert await mailbox.templates("anna@new.example") == []


async def test_a_second_change_kills_the_link_of_the_first(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    await change(credentials, anna, "one@new.example")
    first = await mailbox.token("one@new.example", "change_email")
    await change(credentials, anna, "two@new.example")
    with pytest.raises(InvalidArgument, match="BAD_TOKEN"):
        await verify(credentials, first)
    await verify(credentials, await mailbox.token("two@new.example", "change_email"))
    assert (await account_of(users, anna)).email == "two@new.example"


async def test_the_owner_of_an_address_learns_that_somebody_else_wants_it_and_nobody_else_does(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna, berta = await register("anna"), await register("berta")
    await verify(credentials, await mailbox.token(ANNA, "verify_email"))
    await change(credentials, berta, ANNA)
    await users.RegisterAccount(pb.RegisterAccountRequest(username="carla", email=ANNA, password=PASSWORD))
    told = (await mailbox.letters(ANNA))[1:]
    assert [(letter.template, letter.variables["other"]) for letter in told] == [
        ("address_in_use", "berta"),
        ("address_in_use", "carla"),
    ]
    assert (await account_of(users, anna)).email_verified


async def test_an_address_that_was_taken_meanwhile_stays_whose_it_is(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna, berta = await register("anna"), await register("berta")
    for account in (anna, berta):
        await change(credentials, account, "wanted@example.org")
    await mailbox.letters("wanted@example.org")
    letters = await mailbox.letters("wanted@example.org")
    tokens = {letter.variables["username"]: letter.variables["token"] for letter in letters}
    await verify(credentials, tokens["berta"])
    with pytest.raises(AlreadyExists, match="EMAIL_TAKEN"):
        await verify(credentials, tokens["anna"])
    assert (await account_of(users, anna)).email == ANNA
    assert (await account_of(users, berta)).email == "wanted@example.org"


async def test_who_reads_an_address_gets_it_from_who_only_named_it_first(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    squatter = await register("anna")
    request = pb.RegisterAccountRequest(username="berta", email=ANNA, password="tropical storm")
    berta = (await users.RegisterAccount(request)).account
    letters = await mailbox.letters(ANNA)
    (token,) = [letter.variables["token"] for letter in letters if letter.variables["username"] == "berta"]
    await verify(credentials, token)
    assert (await account_of(users, berta)).email_verified
    assert not (await account_of(users, squatter)).email_verified
    (other,) = [letter.variables["token"] for letter in letters if letter.variables["username"] == "anna"]
    with pytest.raises(AlreadyExists, match="EMAIL_TAKEN"):
        await verify(credentials, other)


async def test_nobody_can_tell_a_taken_address_by_logging_in_with_it(
    users: UserServiceStub, register: Register
) -> None:
    anna = await register("anna")
    request = pb.RegisterAccountRequest(username="berta", email=ANNA, password="tropical storm")
    berta = (await users.RegisterAccount(request)).account
    assert (await log_in(users, ANNA, "tropical storm")).id == berta.profile.id
    assert (await log_in(users, ANNA)).id == anna.profile.id


async def test_calls_that_name_an_address_do_the_same_whether_it_is_somebodys_or_not(
    settings: UserSettings, clock: Clock, rpc: Rpc, register: Register
) -> None:
    await register("anna")
    async with AsyncExitStack() as stack:
        narrow = await open_base(stack, settings.model_copy(update={"postgres_pool_size": 1}), clock)
        channel = await rpc(*serving_of(narrow).register)
        users, credentials = UserServiceStub(channel), CredentialServiceStub(channel)

        def made(username: str, email: str) -> pb.RegisterAccountRequest:
            return pb.RegisterAccountRequest(username=username, email=email, password=PASSWORD)

        await users.RegisterAccount(made("warm", "warm@example.org"))  # the driver asks for types, once
        free = await statements(narrow.postgres, lambda: users.RegisterAccount(made("carla", "carla@example.org")))
        taken = await statements(narrow.postgres, lambda: users.RegisterAccount(made("berta", ANNA)))
        assert free == taken
        assert any("emails" in query for query in free)
        ask = cpb.RequestVerificationRequest
        known = await statements(narrow.postgres, lambda: credentials.RequestVerification(ask(email=ANNA)))
        unknown = await statements(narrow.postgres, lambda: credentials.RequestVerification(ask(email="x@example.net")))
        assert known == unknown
        assert len(known) == 1


async def test_an_operator_may_ask_for_a_confirmed_address_before_the_first_log_in(
    settings: UserSettings, clock: Clock, rpc: Rpc
) -> None:
    async with AsyncExitStack() as stack:
        strict = await open_base(stack, settings.model_copy(update={"require_verified_email": True}), clock)
        channel, mailbox = await rpc(*serving_of(strict).register), Mailbox(strict)
        users, credentials = UserServiceStub(channel), CredentialServiceStub(channel)
        await users.RegisterAccount(pb.RegisterAccountRequest(username="anna", email=ANNA, password=PASSWORD))
        with pytest.raises(PermissionDenied, match="EMAIL_NOT_VERIFIED"):
            await log_in(users, "anna")
        with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
            await log_in(users, "anna", "wrong horse")
        await verify(credentials, await mailbox.token(ANNA, "verify_email"))
        assert (await log_in(users, "anna")).username == "anna"


async def test_a_token_that_is_used_twice_at_once_works_once(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    await register("anna")
    token = await mailbox.token(ANNA, "verify_email")
    answers = await asyncio.gather(*(verify(credentials, token) for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["InvalidArgument"] * 4 + ["NoneType"]
