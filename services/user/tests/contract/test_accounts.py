import asyncio
from contextlib import AsyncExitStack

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import Aborted, AlreadyExists, FieldViolation, InvalidArgument, NotFound
from kit.postgres import Postgres
from kit.testing import Rpc
from pydantic import SecretStr
from user_service.settings import UserSettings
from user_service.wiring.base import open_base
from user_service.wiring.serving import serving_of

from .conftest import PASSWORD, Clock, Register, meeting_at


def update(account: pb.Account, etag: str = "", **fields: str | bool) -> pb.UpdateAccountRequest:
    return pb.UpdateAccountRequest(
        viewer_id=account.profile.id,
        profile=pb.Profile(**fields),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=list(fields)),
        etag=etag,
    )


async def count(postgres: Postgres, table: str) -> int:
    return await postgres.primary.fetchval(f"select count(*) from {table}")


async def test_an_account_is_made_and_its_owner_reads_it(users: UserServiceStub, register: Register) -> None:
    made = await register("Anna", name="Anna B")
    read = (await users.GetAccount(pb.GetAccountRequest(viewer_id=made.profile.id))).account
    assert read == made
    assert (read.profile.username, read.profile.name, read.email) == ("anna", "Anna B", "Anna@example.org")
    assert read.profile.state == pb.ACCOUNT_STATE_ACTIVE
    assert (read.profile.version, read.etag, read.email_verified) == (1, "1", False)
    assert read.profile.created_at.seconds > 0


async def test_the_stored_password_is_a_hash(register: Register, postgres: Postgres) -> None:
    await register()
    kept = await postgres.primary.fetchval("select password_hash from credentials")
    assert kept.startswith("$argon2id$")


async def test_bad_fields_are_told_all_at_once_and_leave_no_row(users: UserServiceStub, postgres: Postgres) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await users.RegisterAccount(pb.RegisterAccountRequest(username="a", email="b", password="c", name="d\0"))
    assert caught.value.reason == "INVALID_FIELD"
    assert [fault.field for fault in caught.value.fields] == ["/username", "/email", "/password", "/name"]
    assert await count(postgres, "usernames") == 0


async def test_a_taken_username_is_refused_in_any_case(register: Register) -> None:
    await register("anna")
    with pytest.raises(AlreadyExists) as caught:
        await register("ANNA", request_id="other")
    assert caught.value.reason == "USERNAME_TAKEN"
    assert FieldViolation("/username", "taken") in caught.value.fields


async def test_a_username_that_looks_like_a_taken_one_is_refused(register: Register) -> None:
    await register("hello_world")
    with pytest.raises(AlreadyExists) as caught:
        await register("he11o_vvor1d")
    assert caught.value.reason == "USERNAME_TAKEN"
    assert caught.value.fields == (FieldViolation("/username", "looks like a username that is taken"),)


async def test_an_address_that_is_taken_makes_no_difference_to_the_answer(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    await register("anna")
    request = pb.RegisterAccountRequest(username="berta", email="ANNA@Example.org", password=PASSWORD)
    made = (await users.RegisterAccount(request)).account
    assert (made.profile.username, made.email, made.email_verified) == ("berta", "ANNA@example.org", False)
    assert await count(postgres, "emails") == 1


async def test_a_repeated_request_answers_the_same_account(register: Register, postgres: Postgres) -> None:
    first, again = await register(request_id="once"), await register(request_id="once")
    assert first == again
    assert await count(postgres, "accounts") == 1


async def test_the_same_request_many_times_at_once_makes_one_account_and_one_event(
    register: Register, postgres: Postgres
) -> None:
    made = await asyncio.gather(*(register(request_id="once") for _ in range(8)))
    assert len({account.profile.id for account in made}) == 1
    assert [await count(postgres, table) for table in ("accounts", "usernames", "emails", "outbox")] == [1, 1, 1, 1]


async def test_different_requests_for_one_username_at_once_make_one_account(
    register: Register, postgres: Postgres
) -> None:
    made = await asyncio.gather(*(register(request_id=str(n)) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(one, pb.Account) for one in made) == 1
    assert sum(isinstance(one, AlreadyExists) for one in made) == 7
    assert await count(postgres, "accounts") == 1


async def test_a_repeated_request_with_another_address_is_not_a_repeat(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    await register("anna", request_id="once")
    request = pb.RegisterAccountRequest(username="anna", email="b@example.org", password=PASSWORD, request_id="once")
    with pytest.raises(AlreadyExists):
        await users.RegisterAccount(request)
    assert await count(postgres, "emails") == 1


async def test_an_unknown_account_is_not_found(users: UserServiceStub) -> None:
    with pytest.raises(NotFound) as caught:
        await users.GetAccount(pb.GetAccountRequest(viewer_id=7))
    assert caught.value.reason == "USER_NOT_FOUND"


async def test_an_update_changes_the_named_fields_alone(users: UserServiceStub, register: Register) -> None:
    made = await register(name="Anna")
    request = update(made, bio=" hi ", website="https://example.org")
    request.profile.name = "not named by the mask"
    after = (await users.UpdateAccount(request)).account
    assert (after.profile.name, after.profile.bio, after.profile.website) == ("Anna", "hi", "https://example.org")
    assert (after.profile.version, after.etag) == (2, "2")
    assert (await users.GetAccount(pb.GetAccountRequest(viewer_id=made.profile.id))).account == after


async def test_an_update_of_nothing_changes_nothing(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    made = await register(name="Anna")
    assert (await users.UpdateAccount(update(made, name="Anna"))).account == made
    assert (await users.UpdateAccount(update(made))).account == made
    assert await count(postgres, "outbox") == 1


async def test_an_update_against_another_version_is_aborted(users: UserServiceStub, register: Register) -> None:
    made = await register()
    await users.UpdateAccount(update(made, made.etag, bio="one"))
    with pytest.raises(Aborted) as caught:
        await users.UpdateAccount(update(made, made.etag, bio="two"))
    assert caught.value.reason == "ETAG_MISMATCH"


async def test_of_two_updates_of_one_version_at_once_one_wins(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    made = await register()

    async def write(bio: str) -> pb.UpdateAccountResponse:
        return await users.UpdateAccount(update(made, made.etag, bio=bio))

    async with meeting_at(postgres, "select from accounts", 2):
        updating = [asyncio.create_task(write(text)) for text in ("one", "two")]
    answers = await asyncio.gather(*updating, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Aborted", "UpdateAccountResponse"]


async def test_a_bad_update_tells_all_faults_and_changes_nothing(users: UserServiceStub, register: Register) -> None:
    made = await register()
    request = update(made, bio="fine", name="x" * 61, website="nowhere", username="berta")
    request.update_mask.paths.append("no_such_field")
    with pytest.raises(InvalidArgument) as caught:
        await users.UpdateAccount(request)
    assert [fault.field for fault in caught.value.fields] == ["/name", "/website", "/username", "/no_such_field"]
    assert (await users.GetAccount(pb.GetAccountRequest(viewer_id=made.profile.id))).account == made


async def test_profiles_come_in_the_order_asked_and_unknown_ones_are_left_out(
    users: UserServiceStub, register: Register
) -> None:
    anna, berta = (await register("anna")).profile, (await register("berta")).profile
    wanted = pb.BatchGetProfilesRequest(ids=[berta.id, 7, anna.id, berta.id])
    assert list((await users.BatchGetProfiles(wanted)).profiles) == [berta, anna]


async def test_too_many_profiles_or_usernames_at_once_are_refused(users: UserServiceStub) -> None:
    with pytest.raises(InvalidArgument, match="TOO_MANY_IDS"):
        await users.BatchGetProfiles(pb.BatchGetProfilesRequest(ids=range(1, 202)))
    with pytest.raises(InvalidArgument, match="TOO_MANY_IDS"):
        await users.ResolveUsernames(pb.ResolveUsernamesRequest(usernames=["anna"] * 101))


async def test_a_username_leads_to_its_profile_in_any_case(users: UserServiceStub, register: Register) -> None:
    anna = (await register("anna")).profile
    assert (await users.GetProfileByUsername(pb.GetProfileByUsernameRequest(username="Anna"))).profile == anna


@pytest.mark.parametrize("username", ["nobody_here", "", "an na", "anna\0", "\u0430nna", "x" * 1000])
async def test_a_username_that_nobody_has_is_not_found(users: UserServiceStub, username: str) -> None:
    with pytest.raises(NotFound) as caught:
        await users.GetProfileByUsername(pb.GetProfileByUsernameRequest(username=username))
    # What the gateway says of an account that blocks the caller: a blocked person must not tell the two apart.
    assert (caught.value.reason, caught.value.message) == ("USER_NOT_FOUND", "there is no such user")


async def test_usernames_that_exist_are_resolved(users: UserServiceStub, register: Register) -> None:
    anna = (await register("anna")).profile
    wanted = pb.ResolveUsernamesRequest(usernames=["ANNA", "anna", "nobody", "\0"])
    assert dict((await users.ResolveUsernames(wanted)).ids) == {"anna": anna.id}


async def test_a_suspended_account_is_found_by_id_alone(
    users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    anna = (await register("anna")).profile
    await postgres.primary.execute("update accounts set state = 2, version = 2")
    await users.UpdateAccount(update(pb.Account(profile=anna), bio="x"))  # the cache hears of it
    (seen,) = (await users.BatchGetProfiles(pb.BatchGetProfilesRequest(ids=[anna.id]))).profiles
    assert seen.state == pb.ACCOUNT_STATE_SUSPENDED
    with pytest.raises(NotFound):
        await users.GetProfileByUsername(pb.GetProfileByUsernameRequest(username="anna"))
    assert not (await users.ResolveUsernames(pb.ResolveUsernamesRequest(usernames=["anna"]))).ids


async def test_without_redis_everything_works(settings: UserSettings, clock: Clock, rpc: Rpc) -> None:
    nowhere = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with AsyncExitStack() as stack:
        opened = await open_base(stack, nowhere, clock)
        users = UserServiceStub(await rpc(*serving_of(opened).register))
        request = pb.RegisterAccountRequest(username="anna", email="anna@example.org", password=PASSWORD)
        made = (await users.RegisterAccount(request)).account
        changed = (await users.UpdateAccount(update(made, private_account=True))).account.profile
        asked = pb.BatchGetProfilesRequest(ids=[made.profile.id])
        assert list((await users.BatchGetProfiles(asked)).profiles) == [changed]
