import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import FailedPrecondition, NotFound, PermissionDenied, Unauthenticated
from kit.postgres import Connection, Postgres
from user_service.model.accounts import Account, AccountState
from user_service.model.security import Device, Kind
from user_service.wiring.base import Base

from .conftest import PASSWORD, Clock, Register, meeting_at

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
ACTIVE, SUSPENDED, DELETED = AccountState.ACTIVE, AccountState.SUSPENDED, AccountState.DELETED
DEVICE = Device("192.0.2.9", "Browser/1")


async def suspend(base: Base, user_id: int) -> Account:
    details = {"reason": "spam"}
    return await base.states.change(
        user_id, SUSPENDED, allowed_from=[ACTIVE], kind=Kind.SUSPENDED, device=DEVICE, details=details
    )


async def restore(base: Base, user_id: int) -> Account:
    return await base.states.change(user_id, ACTIVE, allowed_from=[SUSPENDED], kind=Kind.RESTORED, device=DEVICE)


async def log_in(users: UserServiceStub) -> pb.TokenPair:
    request = pb.CreateSessionRequest(login="anna", password=PASSWORD, user_agent="Browser/1", address="192.0.2.1")
    return (await users.CreateSession(request)).tokens


async def events(postgres: Postgres) -> list[UserEvent]:
    rows = await postgres.primary.fetch("select payload from outbox order by id")
    return [UserEvent.FromString(row["payload"]) for row in rows]


async def test_a_change_of_state_ends_every_session_and_is_told_and_logged(
    base: Base, users: UserServiceStub, register: Register, postgres: Postgres, clock: Clock
) -> None:
    made = (await register()).profile
    phone, laptop = await log_in(users), await log_in(users)
    after = await suspend(base, made.id)
    assert (after.profile.state, after.profile.version) == (SUSPENDED, made.version + 1)
    for tokens in (phone, laptop):
        with pytest.raises(Unauthenticated):
            await users.RefreshSession(pb.RefreshSessionRequest(refresh_token=tokens.refresh_token))
    listed = (await users.ListRevocations(pb.ListRevocationsRequest())).revocations
    assert len(listed) == 2
    assert {one.expires_at.ToDatetime(tzinfo=clock.now.tzinfo) for one in listed} == {clock.now + timedelta(minutes=16)}
    told = (await events(postgres))[-1].account_state_changed.profile
    assert (told.id, told.state, told.version) == (made.id, pb.ACCOUNT_STATE_SUSPENDED, after.profile.version)
    row = await postgres.primary.fetchrow(
        "select kind, address, user_agent, details from security_events order by event_id desc limit 1"
    )
    assert row
    assert (row["kind"], row["address"], row["user_agent"]) == ("suspended", "192.0.2.9", "Browser/1")
    assert row["details"] == {"reason": "spam"}


async def test_nobody_reads_an_old_state_from_the_cache(base: Base, users: UserServiceStub, register: Register) -> None:
    made = (await register()).profile
    asked = pb.BatchGetProfilesRequest(ids=[made.id])
    await users.BatchGetProfiles(asked)
    await suspend(base, made.id)
    (shown,) = (await users.BatchGetProfiles(asked)).profiles
    assert shown.state == pb.ACCOUNT_STATE_SUSPENDED
    with pytest.raises(NotFound):
        await users.GetProfileByUsername(pb.GetProfileByUsernameRequest(username="anna"))


async def test_whoever_is_active_again_can_log_in_again_but_old_sessions_stay_ended(
    base: Base, users: UserServiceStub, register: Register
) -> None:
    made = (await register()).profile
    old = await log_in(users)
    await suspend(base, made.id)
    with pytest.raises(PermissionDenied):
        await log_in(users)
    await restore(base, made.id)
    await log_in(users)
    with pytest.raises(Unauthenticated):
        await users.RefreshSession(pb.RefreshSessionRequest(refresh_token=old.refresh_token))


async def test_a_state_it_may_not_come_from_and_an_unknown_account_change_nothing(
    base: Base, register: Register, postgres: Postgres
) -> None:
    made = (await register()).profile
    before = len(await events(postgres))
    with pytest.raises(FailedPrecondition) as caught:
        await restore(base, made.id)
    assert (caught.value.reason, caught.value.metadata["state"]) == ("WRONG_ACCOUNT_STATE", "active")
    with pytest.raises(NotFound):
        await suspend(base, made.id + 1)
    assert len(await events(postgres)) == before
    assert await postgres.primary.fetchval("select count(*) from security_events") == 0


async def test_when_the_account_is_to_be_erased_is_kept_until_it_is_called_off(
    base: Base, register: Register, clock: Clock
) -> None:
    user_id, later = (await register()).profile.id, clock.now + timedelta(days=30)
    await base.states.change(
        user_id,
        DELETED,
        allowed_from=[ACTIVE],
        kind=Kind.DELETION_REQUESTED,
        device=DEVICE,
        delete_after=later,
    )
    kept = await base.accounts.get(user_id)
    assert kept
    assert kept.delete_after == later
    again = await base.states.change(
        user_id, ACTIVE, allowed_from=[DELETED], kind=Kind.DELETION_CANCELLED, device=DEVICE
    )
    assert again.delete_after is None
    assert await base.accounts.get(user_id) == again


async def test_what_runs_along_can_undo_it_all(base: Base, register: Register, postgres: Postgres) -> None:
    made = (await register()).profile

    async def refuse(_conn: Connection, account: Account) -> None:
        assert account.profile.id == made.id
        raise LookupError

    with pytest.raises(LookupError):
        await base.states.change(
            made.id, SUSPENDED, allowed_from=[ACTIVE], kind=Kind.SUSPENDED, device=DEVICE, also=refuse
        )
    kept = await base.accounts.get(made.id)
    assert kept
    assert kept.profile.state is ACTIVE
    assert await postgres.primary.fetchval("select count(*) from security_events") == 0


@pytest.mark.parametrize("change", [suspend, restore])
async def test_of_two_at_once_one_wins(
    base: Base, register: Register, postgres: Postgres, change: Callable[[Base, int], Coroutine[Any, Any, Account]]
) -> None:
    made = (await register()).profile
    if change is restore:
        await suspend(base, made.id)
    async with meeting_at(postgres, f"select from accounts where user_id = {made.id}", 2):
        both = asyncio.gather(change(base, made.id), change(base, made.id), return_exceptions=True)
        await asyncio.sleep(0)
    outcomes = await both
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account", "FailedPrecondition"]
