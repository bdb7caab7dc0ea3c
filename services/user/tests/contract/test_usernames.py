"""A username changes: the former one leads to the account for a while, and then is free."""

import asyncio

import grpc
import pytest
from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import AlreadyExists, InvalidArgument, NotFound, ResourceExhausted
from kit.postgres import Postgres
from user_service.wiring.base import Base

from .conftest import PASSWORD, Clock, Register
from .mailbox import Mailbox


@pytest.fixture
def credentials(channel: grpc.aio.Channel) -> CredentialServiceStub:
    return CredentialServiceStub(channel)


async def rename(credentials: CredentialServiceStub, account: pb.Account, username: str) -> pb.Account:
    request = cpb.ChangeUsernameRequest(viewer_id=account.profile.id, username=username)
    return (await credentials.ChangeUsername(request)).account


async def find(users: UserServiceStub, username: str) -> tuple[str, bool]:
    """The name that it leads to, and whether it is another one."""
    found = await users.GetProfileByUsername(pb.GetProfileByUsernameRequest(username=username))
    return found.profile.username, found.moved


async def resolve(users: UserServiceStub, *usernames: str) -> dict[str, int]:
    return dict((await users.ResolveUsernames(pb.ResolveUsernamesRequest(usernames=usernames))).ids)


async def let_go(postgres: Postgres) -> None:
    """The time for which former names are held is over."""
    for table in ("usernames", "username_looks"):
        await postgres.primary.execute(
            f"update {table} set held_until = clock_timestamp() where held_until is not null"
        )


async def test_both_names_lead_to_the_account_and_the_former_one_says_so(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, base: Base, postgres: Postgres
) -> None:
    anna = await register("anna")
    after = await rename(credentials, anna, "Annabel")
    assert (after.profile.username, after.profile.version) == ("annabel", 2)
    assert [await find(users, name) for name in ("annabel", "Anna")] == [("annabel", False), ("annabel", True)]
    assert await resolve(users, "anna", "annabel") == {"anna": anna.profile.id, "annabel": anna.profile.id}
    logged_in = await users.CreateSession(pb.CreateSessionRequest(login="anna", password=PASSWORD))
    assert logged_in.profile.username == "annabel"
    told = await postgres.primary.fetchval("select details from security_events where kind = 'username_changed'")
    assert told == {"from": "anna", "to": "annabel"}
    assert (await Mailbox(base).templates("anna@example.org"))[0] == "username_changed"


async def test_nobody_else_gets_a_former_name_or_one_that_looks_like_it_until_it_is_let_go(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, postgres: Postgres
) -> None:
    await rename(credentials, await register("hello"), "goodbye")
    berta = await register("berta")
    for name in ("hello", "he11o"):
        with pytest.raises(AlreadyExists, match="USERNAME_TAKEN"):
            await register(name)
        with pytest.raises(AlreadyExists, match="USERNAME_TAKEN"):
            await rename(credentials, berta, name)
    await let_go(postgres)
    assert await resolve(users, "hello") == {}
    with pytest.raises(NotFound):
        await find(users, "hello")
    await rename(credentials, berta, "hello")
    assert await find(users, "hello") == ("hello", False)


async def test_its_owner_can_take_a_former_name_back(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register
) -> None:
    anna = await register("anna")
    await rename(credentials, anna, "annabel")
    assert (await rename(credentials, anna, "anna")).profile.username == "anna"
    assert [await find(users, name) for name in ("annabel", "anna")] == [("anna", True), ("anna", False)]


async def test_a_name_may_become_one_that_looks_like_it(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register, postgres: Postgres
) -> None:
    anna = await register("annalisa")
    await rename(credentials, anna, "anna1isa")
    await let_go(postgres)
    with pytest.raises(AlreadyExists):
        await register("annalisa", request_id="other")


async def test_a_name_changes_only_so_often(
    credentials: CredentialServiceStub, register: Register, clock: Clock
) -> None:
    anna = await register("anna")
    for number in range(3):
        await rename(credentials, anna, f"anna_{number + 5}")
    assert (await rename(credentials, anna, "ANNA_7")).profile.version == 4  # no change at all
    with pytest.raises(ResourceExhausted, match="USERNAME_CHANGED_TOO_OFTEN") as caught:
        await rename(credentials, anna, "annabel")
    assert caught.value.retry_after == pytest.approx(30 * 86400)
    clock.move(days=30)
    assert (await rename(credentials, anna, "annabel")).profile.username == "annabel"


@pytest.mark.parametrize("username", ["", "an", "adm1n", "аnna", "an na"])
async def test_a_username_that_could_not_be_registered_is_refused(
    credentials: CredentialServiceStub, register: Register, username: str
) -> None:
    anna = await register("anna")
    with pytest.raises(InvalidArgument) as caught:
        await rename(credentials, anna, username)
    assert [fault.field for fault in caught.value.fields] == ["/username"]


async def test_of_two_who_want_a_name_at_once_one_gets_it(
    users: UserServiceStub, credentials: CredentialServiceStub, register: Register
) -> None:
    accounts = [await register(name) for name in ("anna", "berta")]
    wishes = (rename(credentials, account, "carla") for account in accounts)
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Account", "AlreadyExists"]
    assert len(await resolve(users, "anna", "berta", "carla")) == 3


async def test_a_repeated_registration_finds_the_account_by_its_former_name(
    credentials: CredentialServiceStub, register: Register
) -> None:
    anna = await register("anna", request_id="once")
    await rename(credentials, anna, "annabel")
    again = await register("anna", request_id="once")
    assert (again.profile.id, again.profile.username) == (anna.profile.id, "annabel")
