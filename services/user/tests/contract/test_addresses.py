"""E-mail addresses: confirmed, changed, asked for again; nobody learns whose one is."""

import asyncio
from contextlib import suppress

import grpc
import pytest
from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import AlreadyExists, InvalidArgument, Unauthenticated
from kit.postgres import Postgres
from user_service.wiring.base import Base

from .conftest import PASSWORD, Clock, Register, meeting_at
from .mailbox import Mailbox, account_of, change, log_in, verify

ANNA = "anna@example.org"


@pytest.fixture
def credentials(channel: grpc.aio.Channel) -> CredentialServiceStub:
    return CredentialServiceStub(channel)


@pytest.fixture
def mailbox(base: Base) -> Mailbox:
    return Mailbox(base)


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


async def test_a_new_password_also_ends_a_change_whose_letter_is_not_written_yet(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    anna = await register("anna")
    await change(credentials, anna, "thief@new.example")
    changed = cpb.ChangePasswordRequest(
        viewer_id=anna.profile.id, current_password=PASSWORD, new_password="tropical storm"
    )
    await credentials.ChangePassword(changed)
    assert await mailbox.templates("thief@new.example") == []
    await change(credentials, anna, "anna@new.example", "tropical storm")
    await verify(credentials, await mailbox.token("anna@new.example", "change_email"))
    assert (await account_of(users, anna)).email == "anna@new.example"


async def test_a_new_password_and_a_change_with_the_old_one_at_once_leave_no_letter(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox, postgres: Postgres
) -> None:
    anna = await register("anna")
    changed = cpb.ChangePasswordRequest(
        viewer_id=anna.profile.id, current_password=PASSWORD, new_password="tropical storm"
    )

    async def defend() -> None:
        await credentials.ChangePassword(changed)

    async def attack() -> None:
        with suppress(Unauthenticated):  # when it comes second; what came first is the worker's to forget
            await change(credentials, anna, "thief@new.example")

    async with (
        asyncio.TaskGroup() as group,
        meeting_at(postgres, f"select from accounts where user_id = {anna.profile.id}", 2),
    ):
        group.create_task(defend())
        group.create_task(attack())
    assert await mailbox.templates("thief@new.example") == []


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


async def test_a_token_that_is_used_twice_at_once_works_once(
    credentials: CredentialServiceStub, register: Register, mailbox: Mailbox
) -> None:
    await register("anna")
    token = await mailbox.token(ANNA, "verify_email")
    answers = await asyncio.gather(*(verify(credentials, token) for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["InvalidArgument"] * 4 + ["NoneType"]
