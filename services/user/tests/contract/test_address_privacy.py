"""E-mail addresses: nobody learns whose one is, and nobody takes one by naming it first."""

from contextlib import AsyncExitStack

import grpc
import pytest
from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import AlreadyExists, PermissionDenied, Unauthenticated
from kit.postgres import Postgres
from kit.testing import Rpc
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import serving_of

from .conftest import PASSWORD, Clock, Register
from .mailbox import Mailbox, account_of, change, log_in, statements, verify

ANNA = "anna@example.org"


@pytest.fixture
def credentials(channel: grpc.aio.Channel) -> CredentialServiceStub:
    return CredentialServiceStub(channel)


@pytest.fixture
def mailbox(base: Base) -> Mailbox:
    return Mailbox(base)


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


async def test_nobody_is_flooded_with_letters_by_registrations(
    users: UserServiceStub, mailbox: Mailbox, postgres: Postgres
) -> None:
    for name in ("anna", "berta", "carla", "doris", "elena", "frida", "greta"):
        await users.RegisterAccount(pb.RegisterAccountRequest(username=name, email=ANNA, password=PASSWORD))
    assert await mailbox.templates(ANNA) == ["verify_email"] * 5
    assert await postgres.primary.fetchval("select count(*) from letter_requests") == 0
