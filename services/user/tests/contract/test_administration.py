import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg
import grpc
import pytest
from heliograph.user.v1 import admin_pb2 as pb
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from kit.postgres import Postgres
from kit.testing import Rpc
from user_service.wiring.base import Base
from user_service.wiring.serving import serving_of

from .conftest import PASSWORD, Register, meeting_at

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
MEMBER, MODERATOR, ADMIN = user_pb2.ROLE_MEMBER, user_pb2.ROLE_MODERATOR, user_pb2.ROLE_ADMIN
OPERATOR = pb.Actor(operator="root", address="192.0.2.5")
Appoint = Callable[..., Awaitable[int]]


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> AdminServiceStub:
    return AdminServiceStub(channel)


@pytest.fixture
def appoint(admin: AdminServiceStub, register: Register, postgres: Postgres) -> Appoint:
    """Makes an account of a role, with a second factor."""

    async def make(username: str, role: user_pb2.Role.ValueType = ADMIN, *, factor: bool = True) -> int:
        user_id = (await register(username)).profile.id
        if role != MEMBER:
            request = pb.SetRoleRequest(actor=OPERATOR, user_id=user_id, role=role, reason="first days")
            await admin.SetRole(request)
        if factor:
            await add_factor(postgres, user_id)
        return user_id

    return make


async def add_factor(postgres: Postgres, user_id: int) -> None:
    await postgres.primary.execute(
        "insert into totp (user_id, secret, sealed_with, expires_at, confirmed_at) values ($1, '', '', now(), now())",
        user_id,
    )


def by(user_id: int) -> pb.Actor:
    return pb.Actor(account_id=user_id, address="192.0.2.7")


async def suspend(admin: AdminServiceStub, actor: pb.Actor, user_id: int) -> pb.AdminUser:
    return (await admin.SuspendUser(pb.SuspendUserRequest(actor=actor, user_id=user_id, reason="spam"))).user


async def restore(admin: AdminServiceStub, actor: pb.Actor, user_id: int) -> pb.AdminUser:
    return (await admin.RestoreUser(pb.RestoreUserRequest(actor=actor, user_id=user_id, reason="a mistake"))).user


async def set_role(
    admin: AdminServiceStub, actor: pb.Actor, user_id: int, role: user_pb2.Role.ValueType
) -> pb.AdminUser:
    request = pb.SetRoleRequest(actor=actor, user_id=user_id, role=role, reason="as agreed")
    return (await admin.SetRole(request)).user


async def audit(admin: AdminServiceStub, user_id: int = 0) -> list[pb.AuditEntry]:
    return list((await admin.ListAudit(pb.ListAuditRequest(actor=OPERATOR, user_id=user_id))).entries)


async def log_in(users: UserServiceStub, username: str) -> user_pb2.TokenPair:
    return (await users.CreateSession(user_pb2.CreateSessionRequest(login=username, password=PASSWORD))).tokens


async def test_an_admin_suspends_and_restores_and_the_trail_says_who_why_and_from_where(
    admin: AdminServiceStub, users: UserServiceStub, appoint: Appoint
) -> None:
    boss, spammer = await appoint("boss"), await appoint("spam", MEMBER, factor=False)
    await log_in(users, "spam")
    assert (await admin.GetUser(pb.GetUserRequest(actor=by(boss), user_id=spammer))).user.sessions == 1
    suspended = await suspend(admin, by(boss), spammer)
    assert suspended.account.profile.state == user_pb2.ACCOUNT_STATE_SUSPENDED
    assert (suspended.sessions, suspended.account.email) == (0, "spam@example.org")
    restored = await restore(admin, by(boss), spammer)
    assert restored.account.profile.state == user_pb2.ACCOUNT_STATE_ACTIVE
    newest, older = await audit(admin, spammer)
    assert (newest.action, newest.reason) == ("user.restore", "a mistake")
    assert (older.action, older.reason, older.address) == ("user.suspend", "spam", "192.0.2.7")
    assert (older.actor, older.actor_id, older.user_id) == (f"account:{boss}", boss, spammer)
    assert older.created_at.seconds


async def test_what_changes_nothing_is_no_entry(admin: AdminServiceStub, appoint: Appoint) -> None:
    spammer = await appoint("spam", MEMBER, factor=False)
    await suspend(admin, OPERATOR, spammer)
    again = await suspend(admin, OPERATOR, spammer)
    assert again.account.profile.state == user_pb2.ACCOUNT_STATE_SUSPENDED
    await set_role(admin, OPERATOR, await appoint("plain", MEMBER, factor=False), MEMBER)
    assert [entry.action for entry in await audit(admin)] == ["user.suspend"]


async def test_the_role_is_looked_up_in_each_call(admin: AdminServiceStub, appoint: Appoint) -> None:
    boss, deputy, member = await appoint("boss"), await appoint("deputy"), await appoint("one", MEMBER)
    assert (await admin.GetUser(pb.GetUserRequest(actor=by(deputy), user_id=member))).user
    await set_role(admin, by(boss), deputy, MEMBER)
    with pytest.raises(PermissionDenied) as caught:
        await suspend(admin, by(deputy), member)
    assert caught.value.reason == "NOT_ALLOWED"
    for call in (
        admin.GetUser(pb.GetUserRequest(actor=by(deputy), user_id=member)),
        admin.ListUsers(pb.ListUsersRequest(actor=by(deputy))),
        admin.ListAudit(pb.ListAuditRequest(actor=by(deputy))),
        admin.ResetFactor(pb.ResetFactorRequest(actor=by(deputy), user_id=member, reason="?")),
        admin.SetRole(pb.SetRoleRequest(actor=by(deputy), user_id=deputy, role=ADMIN, reason="?")),
        admin.RestoreUser(pb.RestoreUserRequest(actor=by(deputy), user_id=member, reason="?")),
    ):
        with pytest.raises(PermissionDenied):
            await call
    told = (await audit(admin, deputy))[0]
    assert (told.action, dict(told.details)) == ("user.set_role", {"from": "admin", "to": "member"})


async def test_a_new_role_ends_the_sessions_whose_tokens_say_the_old_one(
    admin: AdminServiceStub, users: UserServiceStub, appoint: Appoint
) -> None:
    member = await appoint("one", MEMBER, factor=False)
    tokens = await log_in(users, "one")
    await set_role(admin, OPERATOR, member, MODERATOR)
    with pytest.raises(Unauthenticated):
        await users.RefreshSession(user_pb2.RefreshSessionRequest(refresh_token=tokens.refresh_token))
    listed = await users.ListRevocations(user_pb2.ListRevocationsRequest())
    assert len(listed.revocations) == 1


async def test_moderators_reach_members_alone_and_see_no_addresses(admin: AdminServiceStub, appoint: Appoint) -> None:
    boss, guard, other = await appoint("boss"), await appoint("guard", MODERATOR), await appoint("other", MODERATOR)
    member = await appoint("one", MEMBER, factor=False)
    done = await suspend(admin, by(guard), member)
    assert (done.account.profile.state, done.account.email) == (user_pb2.ACCOUNT_STATE_SUSPENDED, "")
    await restore(admin, by(guard), member)
    for target in (boss, other):
        with pytest.raises(PermissionDenied):
            await suspend(admin, by(guard), target)
    for call in (
        admin.ListUsers(pb.ListUsersRequest(actor=by(guard))),
        admin.ListAudit(pb.ListAuditRequest(actor=by(guard))),
        admin.SetRole(pb.SetRoleRequest(actor=by(guard), user_id=member, role=MODERATOR, reason="?")),
        admin.ResetFactor(pb.ResetFactorRequest(actor=by(guard), user_id=member, reason="?")),
        admin.RecordAct(pb.RecordActRequest(actor=by(boss), action="keys.rotate", reason="?")),
    ):
        with pytest.raises(PermissionDenied):
            await call


async def test_nobody_suspends_themself_and_the_last_admin_stays(admin: AdminServiceStub, appoint: Appoint) -> None:
    boss = await appoint("boss")
    with pytest.raises(FailedPrecondition) as own:
        await suspend(admin, by(boss), boss)
    assert own.value.reason == "OWN_ACCOUNT"
    for act in (suspend(admin, OPERATOR, boss), set_role(admin, by(boss), boss, MEMBER)):
        with pytest.raises(FailedPrecondition) as last:
            await act
        assert last.value.reason == "LAST_ADMIN"
    deputy = await appoint("deputy")
    await suspend(admin, by(deputy), boss)
    with pytest.raises(PermissionDenied):
        await suspend(admin, by(boss), deputy)


async def test_of_two_admins_who_suspend_each_other_at_once_one_is_left(
    admin: AdminServiceStub, appoint: Appoint, postgres: Postgres
) -> None:
    one, two = await appoint("one"), await appoint("two")
    async with meeting_at(postgres, f"select from accounts where user_id in ({one}, {two})", 2):
        both = asyncio.gather(suspend(admin, by(one), two), suspend(admin, by(two), one), return_exceptions=True)
        await asyncio.sleep(0)
    outcomes = sorted(type(outcome).__name__ for outcome in await both)
    assert outcomes == ["AdminUser", "PermissionDenied"]
    left = await postgres.primary.fetchval("select count(*) from accounts where role = 3 and state = 1")
    assert left == 1


async def test_without_a_second_factor_a_role_is_no_use_unless_the_setting_says_so(
    base: Base, admin: AdminServiceStub, appoint: Appoint, rpc: Rpc
) -> None:
    boss = await appoint("boss", factor=False)
    with pytest.raises(PermissionDenied) as caught:
        await admin.ListUsers(pb.ListUsersRequest(actor=by(boss)))
    assert caught.value.reason == "SECOND_FACTOR_REQUIRED"
    lenient = replace(base, settings=base.settings.model_copy(update={"admin_requires_factor": False}))
    stub = AdminServiceStub(await rpc(*serving_of(lenient).register))
    assert (await stub.ListUsers(pb.ListUsersRequest(actor=by(boss)))).users


async def test_a_reset_takes_factors_and_sessions_away(
    admin: AdminServiceStub, users: UserServiceStub, appoint: Appoint
) -> None:
    boss, locked_out = await appoint("boss"), await appoint("anna", MEMBER)
    request = pb.ResetFactorRequest(actor=by(boss), user_id=locked_out, reason="lost the phone, known by voice")
    done = (await admin.ResetFactor(request)).user
    assert not done.has_second_factor
    assert (await log_in(users, "anna")).access_token
    with pytest.raises(FailedPrecondition):
        await admin.ResetFactor(pb.ResetFactorRequest(actor=by(boss), user_id=boss, reason="me"))
    assert (await audit(admin, locked_out))[0].action == "user.reset_factor"


async def test_accounts_are_found_by_the_start_of_name_and_address_by_id_state_and_role(
    admin: AdminServiceStub, appoint: Appoint
) -> None:
    boss, anna = await appoint("boss"), await appoint("anna", MEMBER)
    annabel = await appoint("annabel", MEMBER)

    async def found(**wanted: object) -> list[int]:
        answer = await admin.ListUsers(pb.ListUsersRequest(actor=by(boss), **wanted))  # type: ignore[arg-type]
        return [user.account.profile.id for user in answer.users]

    assert await found() == [annabel, anna, boss]
    assert await found(query="ANNA") == [annabel, anna]
    assert await found(query="annabel@example.org") == [annabel]
    assert await found(query=str(anna)) == [anna]
    assert await found(query="%") == await found(query="_nna") == []
    assert await found(role=ADMIN) == [boss]
    await suspend(admin, by(boss), anna)
    assert await found(state=user_pb2.ACCOUNT_STATE_SUSPENDED) == [anna]
    first = await admin.ListUsers(pb.ListUsersRequest(actor=by(boss), page_size=2))
    rest = pb.ListUsersRequest(actor=by(boss), page_size=2, page_token=first.next_page_token)
    answer = await admin.ListUsers(rest)
    assert [user.account.profile.id for user in (*first.users, *answer.users)] == [annabel, anna, boss]
    assert answer.next_page_token == ""


async def test_nothing_changes_the_trail(admin: AdminServiceStub, appoint: Appoint, postgres: Postgres) -> None:
    await suspend(admin, OPERATOR, await appoint("spam", MEMBER))
    for statement in ("update audit set reason = 'none'", "delete from audit", "truncate audit"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await postgres.primary.execute(statement)
    assert [entry.reason for entry in await audit(admin)] == ["spam"]


async def test_operators_record_what_they_do_elsewhere_and_page_through_it(admin: AdminServiceStub) -> None:
    for number in range(3):
        details = {"number": str(number)}
        request = pb.RecordActRequest(actor=OPERATOR, action="keys.rotate", reason="yearly", details=details)
        await admin.RecordAct(request)
    first = await admin.ListAudit(pb.ListAuditRequest(actor=OPERATOR, page_size=2))
    rest = await admin.ListAudit(pb.ListAuditRequest(actor=OPERATOR, page_size=2, page_token=first.next_page_token))
    told = [*first.entries, *rest.entries]
    assert [entry.details["number"] for entry in told] == ["2", "1", "0"]
    assert {entry.actor for entry in told} == {"operator:root"}


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
async def test_there_is_no_act_without_a_reason(admin: AdminServiceStub, register: Register, reason: str) -> None:
    user_id = (await register()).profile.id
    with pytest.raises(InvalidArgument) as caught:
        await admin.SuspendUser(pb.SuspendUserRequest(actor=OPERATOR, user_id=user_id, reason=reason))
    assert [fault.field for fault in caught.value.fields] == ["/reason"]


@pytest.mark.parametrize("actor", [pb.Actor(), pb.Actor(operator="x\ny"), pb.Actor(account_id=-1)])
async def test_nobody_is_no_actor(admin: AdminServiceStub, register: Register, actor: pb.Actor) -> None:
    user_id = (await register()).profile.id
    with pytest.raises(PermissionDenied):
        await suspend(admin, actor, user_id)


async def test_an_unknown_account_is_told_as_such(admin: AdminServiceStub) -> None:
    with pytest.raises(NotFound):
        await suspend(admin, OPERATOR, 77)


async def test_a_scan_passes_every_account_once(admin: AdminServiceStub, appoint: Appoint) -> None:
    made = [await appoint(f"user{number}", MEMBER, factor=False) for number in range(3)]
    await suspend(admin, OPERATOR, made[1])
    first = await admin.ScanProfiles(pb.ScanProfilesRequest(page_size=2))
    rest = await admin.ScanProfiles(pb.ScanProfilesRequest(page_size=2, after_id=first.next_after_id))
    assert [profile.id for profile in (*first.profiles, *rest.profiles)] == made
    assert rest.next_after_id == 0
