"""Deletions, on real servers: asked for, called off, and carried out to the last row."""

from datetime import timedelta

import pytest
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import user_pb2
from kit.errors import FailedPrecondition, PermissionDenied, Unauthenticated
from kit.postgres import Postgres
from redis.asyncio import Redis
from user_service.events import profile_of
from user_service.wiring.accounts import accounts_of

from services.user.tests.contract.conftest import Clock, Register
from services.user.tests.contract.lifecycle_world import World, make_world, objects, request, rows_of

__all__ = ["make_world"]

GRACE = timedelta(days=30)


async def test_a_deletion_takes_the_password_and_hides_the_account(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    with pytest.raises(Unauthenticated):
        await world.delete(anna, "not the password")
    delete_after = await world.delete(anna)
    assert delete_after.ToDatetime(tzinfo=clock().tzinfo) == pytest.approx(clock() + GRACE, abs=timedelta(seconds=1))
    (profile,) = (await world.users.BatchGetProfiles(user_pb2.BatchGetProfilesRequest(ids=[anna]))).profiles
    assert profile.state == user_pb2.ACCOUNT_STATE_DELETED
    with pytest.raises(PermissionDenied) as caught:
        await world.log_in("anna")
    assert caught.value.reason == "ACCOUNT_DELETION_PENDING"
    assert "deletion_requested" in await world.letters()


async def test_who_holds_a_role_gives_it_away_first(world: World, register: Register, postgres: Postgres):
    anna = (await register()).profile.id
    await postgres.primary.execute("update accounts set role = 3")
    with pytest.raises(FailedPrecondition) as caught:
        await world.delete(anna)
    assert caught.value.reason == "ADMIN_ACCOUNT"


async def test_a_deletion_that_is_called_off_is_none(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    await world.delete(anna)
    assert (await world.log_in("anna", cancel_deletion=True)).profile.id == anna
    clock.move(days=31)
    assert not await world.erasing.advance()
    await world.delete(anna)
    clock.move(days=31)
    assert await world.erasing.advance()


async def test_an_erasure_leaves_nothing_but_a_tombstone(
    world: World, register: Register, clock: Clock, postgres: Postgres, redis: Redis
):
    anna = (await register()).profile.id
    ben = (await register("ben")).profile.id
    await world.log_in("anna")
    await request(world, anna)
    await world.exporting.advance()
    await world.delete(anna)
    clock.move(days=31)
    before = await rows_of(postgres, anna)
    assert {"accounts", "usernames", "emails", "sessions", "security_events", "exports", "mail_queue"} <= set(before)
    assert await world.erasing.advance()
    assert set(await rows_of(postgres, anna)) == {"erasures"}
    assert not await objects(world)
    assert not await redis.exists(f"user:profile:{{{anna}}}") or await redis.ttl(f"user:profile:{{{anna}}}") <= 10
    assert world.keeper.calls == [anna] * 3
    assert (await rows_of(postgres, ben))["accounts"] == 1
    events = await postgres.primary.fetch("select payload from outbox where key = $1 order by id", str(anna))
    assert UserEvent.FromString(events[-1]["payload"]).account_erased.user_id == anna
    assert (await register("anna")).profile.id != anna  # the name is free


async def test_what_is_told_late_does_not_come_back_into_the_cache(
    world: World, register: Register, clock: Clock, redis: Redis
):
    account = await register()
    await world.delete(account.profile.id)
    clock.move(days=31)
    await world.erasing.advance()
    await accounts_of(world.base).refresh_cache(profile_of(account.profile))
    found = await world.users.BatchGetProfiles(user_pb2.BatchGetProfilesRequest(ids=[account.profile.id]))
    assert not found.profiles


async def test_an_outage_of_one_service_leaves_the_account_until_all_are_done(
    world: World, register: Register, clock: Clock, postgres: Postgres
):
    anna = (await register()).profile.id
    await world.delete(anna)
    clock.move(days=31)
    world.keeper.away = True
    assert await world.erasing.advance()
    assert world.other.calls == [anna]
    assert (await rows_of(postgres, anna))["accounts"] == 1
    with pytest.raises(Unauthenticated):
        await world.log_in("anna", cancel_deletion=True)
    world.keeper.away = False
    assert not await world.erasing.advance()
    clock.move(seconds=31)
    world.keeper.busy = True
    assert await world.erasing.advance()
    world.keeper.busy = False
    clock.move(seconds=31)
    assert await world.erasing.advance()
    assert set(await rows_of(postgres, anna)) == {"erasures"}


async def test_an_erased_account_is_looked_for_again_for_some_days(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    await world.delete(anna)
    clock.move(days=31)
    await world.erasing.advance()
    calls = len(world.other.calls)
    for wait in ({"minutes": 1}, {"hours": 1}, {"days": 1}, {"days": 8}):
        assert not await world.erasing.advance()
        clock.move(**wait)
        assert await world.erasing.advance()
    assert len(world.other.calls) == calls + 4
    clock.move(days=365)
    assert not await world.erasing.advance()


async def test_no_column_of_an_account_is_out_of_an_erasure_s_reach(postgres: Postgres):
    """Whoever adds a table about accounts gives it a user_id, or says here how its rows go."""
    known = {
        "apps.owner_id": "deleted one by one, with what they were granted",
        "audit.actor_id": "kept: who did it",
    }
    not_accounts = {"session_id", "login_id", "app_id", "secret_id", "event_id", "mail_id", "export_id", "entry_id"}
    not_accounts |= {"request_id", "passkey_id", "challenge_id", "code_id", "change_id"}
    columns = await postgres.primary.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' "
        "and data_type = 'bigint' and column_name like '%\\_id'"
    )
    unknown = {f"{table}.{column}" for table, column in columns if column != "user_id" and column not in not_accounts}
    assert unknown == set(known)
