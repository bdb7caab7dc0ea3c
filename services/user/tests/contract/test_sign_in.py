"""Two steps of logging in: what a ticket is good for, and who is let in at their end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import grpc
import pytest
from heliograph.user.v1 import sign_in_pb2, user_pb2
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import Aborted, PermissionDenied, Unauthenticated
from kit.postgres import Postgres
from user_service.model.accounts import AccountState
from user_service.model.security import Device, Kind
from user_service.wiring.base import Base

from .conftest import PASSWORD, Clock, Register, meeting_at
from .factor_world import WHERE, Owner

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

Make = Callable[..., Awaitable[Owner]]
ACTIVE, SUSPENDED, DELETED = AccountState.ACTIVE, AccountState.SUSPENDED, AccountState.DELETED


@pytest.fixture
def owner_of(register: Register, channel: grpc.aio.Channel, clock: Clock) -> Make:
    """With an authenticator app."""

    async def make(username: str = "anna") -> Owner:
        owner = Owner((await register(username)).profile.id, username, channel, clock)
        await owner.turn_totp_on()
        return owner

    return make


async def suspend(base: Base, user_id: int) -> None:
    await base.states.change(user_id, SUSPENDED, allowed_from=[ACTIVE], kind=Kind.SUSPENDED, device=Device())


async def ask_for_deletion(base: Base, user_id: int, after: timedelta) -> None:
    await base.states.change(
        user_id,
        DELETED,
        allowed_from=[ACTIVE],
        kind=Kind.DELETION_REQUESTED,
        device=Device(),
        delete_after=base.clock() + after,
    )


async def log_in(users: UserServiceStub, **values: object) -> user_pb2.CreateSessionResponse:
    request = user_pb2.CreateSessionRequest(login="anna", password=PASSWORD, address="192.0.2.1")
    request.MergeFrom(user_pb2.CreateSessionRequest(**values))  # type: ignore[arg-type]
    return await users.CreateSession(request)


async def ticket_of(owner: Owner) -> str:
    return (await owner.start()).second_factor.ticket


async def test_a_ticket_lets_in_once(owner_of: Make) -> None:
    owner = await owner_of()
    ticket = await ticket_of(owner)
    assert (await owner.finish(ticket, code=owner.fresh_code())).tokens.access_token
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.finish(ticket, recovery_code=owner.codes[0])


async def test_of_two_proofs_at_once_one_ticket_lets_in_one(owner_of: Make, postgres: Postgres) -> None:
    owner = await owner_of()
    ticket = await ticket_of(owner)
    async with meeting_at(postgres, "select from login_challenges", 2):
        coming = [asyncio.create_task(owner.finish(ticket, recovery_code=code)) for code in owner.codes[:2]]
    answers = await asyncio.gather(*coming, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["FinishLogInResponse", "Unauthenticated"]


async def test_a_ticket_is_void_after_five_minutes(owner_of: Make, clock: Clock) -> None:
    owner = await owner_of()
    early, late = await ticket_of(owner), await ticket_of(owner)
    clock.move(minutes=4, seconds=59)
    assert (await owner.finish(early, code=owner.code())).tokens.access_token
    clock.move(seconds=1)
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.finish(late, recovery_code=owner.codes[0])


async def test_a_ticket_bears_five_attempts_also_at_once(owner_of: Make, postgres: Postgres) -> None:
    owner = await owner_of()
    ticket, wrong = await ticket_of(owner), owner.wrong_code()
    async with meeting_at(postgres, "select from login_challenges", 8):
        trying = [asyncio.create_task(owner.finish(ticket, code=wrong)) for _ in range(8)]
    answers = await asyncio.gather(*trying, return_exceptions=True)
    reasons = sorted(answer.reason for answer in answers if isinstance(answer, Unauthenticated))
    assert reasons == ["BAD_SECOND_FACTOR"] * 5 + ["BAD_TICKET"] * 3
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.finish(ticket, recovery_code=owner.codes[0])


async def test_a_ticket_does_not_outlive_the_end_of_all_sessions(owner_of: Make, base: Base) -> None:
    owner = await owner_of()
    ticket = await ticket_of(owner)
    await base.grants.revoke_others(owner.id, 0, Device())
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.finish(ticket, code=owner.fresh_code())


@pytest.mark.parametrize("ticket", ["", "nonsense", "hgt_", "hgt_" + "A" * 64, "hgt_" + "ä" * 64, "x" * 100_000])
async def test_what_never_was_a_ticket_is_refused(owner_of: Make, ticket: str) -> None:
    owner = await owner_of()
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.finish(ticket, code=owner.fresh_code())
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.answer_log_in(ticket, {})


async def test_a_ticket_is_good_for_its_own_way_in_alone(owner_of: Make) -> None:
    owner = await owner_of()
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.finish((await owner.begin_log_in()).ticket, code=owner.fresh_code())
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.answer_log_in(await ticket_of(owner), {})


async def test_no_ticket_is_stored(owner_of: Make, postgres: Postgres) -> None:
    ticket = await ticket_of(await owner_of())
    row = await postgres.primary.fetchrow("select * from login_challenges")
    assert row
    assert len(row["secret_hash"]) == 32
    assert ticket not in str(dict(row))


async def test_a_suspended_account_says_so_after_both_steps_and_not_before(owner_of: Make, base: Base) -> None:
    owner = await owner_of()
    await suspend(base, owner.id)
    ticket = await ticket_of(owner)
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await owner.finish(ticket, code=owner.wrong_code())
    with pytest.raises(PermissionDenied, match="ACCOUNT_SUSPENDED"):
        await owner.finish(ticket, code=owner.fresh_code())


async def test_a_deletion_that_is_pending_can_be_called_off_by_logging_in(
    users: UserServiceStub, register: Register, base: Base, clock: Clock
) -> None:
    profile = (await register()).profile
    await ask_for_deletion(base, profile.id, timedelta(days=14))
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await log_in(users, password="wrong horse", cancel_deletion=True)
    with pytest.raises(PermissionDenied) as caught:
        await log_in(users)
    assert caught.value.reason == "ACCOUNT_DELETION_PENDING"
    assert caught.value.metadata["delete_after"][:10] == str((clock() + timedelta(days=14)).date())
    answer = await log_in(users, cancel_deletion=True)
    assert answer.profile.state == user_pb2.ACCOUNT_STATE_ACTIVE
    assert answer.tokens.access_token
    kept = (await users.GetAccount(user_pb2.GetAccountRequest(viewer_id=profile.id))).account
    assert not kept.HasField("delete_after")


async def test_a_deletion_is_called_off_after_the_second_factor_alone(owner_of: Make, base: Base) -> None:
    owner = await owner_of()
    await ask_for_deletion(base, owner.id, timedelta(days=14))
    request = user_pb2.CreateSessionRequest(login=owner.name, password=PASSWORD, cancel_deletion=True)
    ticket = (await UserServiceStub(owner.channel).CreateSession(request)).second_factor.ticket
    account = await base.accounts.get(owner.id)
    assert account
    assert account.profile.state is DELETED
    finish = sign_in_pb2.FinishLogInRequest(ticket=ticket, code=owner.fresh_code(), cancel_deletion=True, origin=WHERE)
    assert (await owner.sign_in.FinishLogIn(finish)).profile.state == user_pb2.ACCOUNT_STATE_ACTIVE


async def test_an_account_whose_time_is_over_is_nobodys(
    users: UserServiceStub, register: Register, base: Base, clock: Clock
) -> None:
    await ask_for_deletion(base, (await register()).profile.id, timedelta(days=14))
    clock.move(days=14)
    for cancel in (False, True):
        with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
            await log_in(users, cancel_deletion=cancel)


async def test_a_log_in_that_meets_a_suspension_is_over_too(
    users: UserServiceStub, register: Register, base: Base, postgres: Postgres
) -> None:
    """Whichever comes first at the account's row: no session is left that lives."""
    profile = (await register()).profile
    async with meeting_at(postgres, "select from accounts", 5):
        coming = [asyncio.create_task(log_in(users)) for _ in range(4)]
        suspending = asyncio.create_task(suspend(base, profile.id))
    answers = await asyncio.gather(*coming, return_exceptions=True)
    await suspending
    refused = [answer for answer in answers if isinstance(answer, Unauthenticated | PermissionDenied)]
    entered = [answer for answer in answers if isinstance(answer, user_pb2.CreateSessionResponse)]
    assert len(refused) + len(entered) == 4
    alive = "select count(*) from sessions where revoked_at is null"
    assert await postgres.primary.fetchval(alive) == 0
    assert await postgres.primary.fetchval("select count(*) from revocations") == len(entered)


async def test_a_password_that_was_right_before_all_sessions_ended_opens_none(
    users: UserServiceStub, register: Register, base: Base, clock: Clock, postgres: Postgres
) -> None:
    """The account's row is as it was, but for its epoch: so it is when the password is replaced in between."""
    profile = (await register()).profile
    before = await base.accounts.get(profile.id)
    assert before
    async with postgres.primary.transaction() as conn:
        await base.accounts.lock(conn, profile.id)
        await base.sessions.revoke_all(conn, profile.id, now=clock(), until=clock() + timedelta(minutes=16))
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await base.grants.open(before, Device(), scopes=("read",))
    assert (await log_in(users)).tokens.access_token


async def test_sessions_of_apps_refresh_for_their_app_alone(
    users: UserServiceStub, register: Register, base: Base
) -> None:
    account = await base.accounts.get((await register()).profile.id)
    assert account
    granted = await base.grants.open(account, Device(), scopes=("read", "follow"), app_id=7)
    with pytest.raises(Unauthenticated, match="BAD_REFRESH_TOKEN"):
        await users.RefreshSession(user_pb2.RefreshSessionRequest(refresh_token=granted.refresh_token))
    with pytest.raises(Unauthenticated, match="BAD_REFRESH_TOKEN"):
        await base.grants.refresh(granted.refresh_token, address="", app_id=8)
    again = await base.grants.refresh(granted.refresh_token, address="", app_id=7)
    assert again.scopes == ("read", "follow")


async def test_a_role_that_was_lost_is_gone_from_the_next_token_on(
    users: UserServiceStub, register: Register, base: Base, postgres: Postgres
) -> None:
    await register()
    await postgres.primary.execute("update accounts set role = 3")
    token = (await log_in(users)).tokens.refresh_token
    first = await base.grants.refresh(token, address="")
    await postgres.primary.execute("update accounts set role = 1")
    second = await base.grants.refresh(first.refresh_token, address="")
    assert {"admin", "moderate"} <= set(first.scopes)
    assert second.scopes == ("read", "write", "follow", "push", "account")


async def test_a_refresh_and_the_end_of_all_sessions_at_once_leave_none_alive(
    users: UserServiceStub, register: Register, base: Base, postgres: Postgres
) -> None:
    profile = (await register()).profile
    token = (await log_in(users)).tokens.refresh_token
    async with meeting_at(postgres, "select from sessions", 2):
        refresh = users.RefreshSession(user_pb2.RefreshSessionRequest(refresh_token=token))
        refreshing = asyncio.ensure_future(refresh)
        ending = asyncio.create_task(base.grants.revoke_others(profile.id, 0, Device()))
    (answer,) = await asyncio.gather(refreshing, return_exceptions=True)
    assert len(await ending) == 1
    assert isinstance(answer, user_pb2.RefreshSessionResponse | Unauthenticated | Aborted)
    if isinstance(answer, user_pb2.RefreshSessionResponse):
        with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
            await base.grants.refresh(answer.tokens.refresh_token, address="")
    assert await postgres.primary.fetchval("select count(*) from sessions where revoked_at is null") == 0
