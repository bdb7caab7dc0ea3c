"""Codes of an app and recovery codes: turned on and off, each good once, and nothing without them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import grpc
import pytest
from heliograph.user.v1 import factors_pb2 as pb
from kit.errors import (
    FailedPrecondition,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
)
from kit.postgres import Postgres
from user_service.model.security import Device
from user_service.model.sign_in import Proof
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base

from .conftest import Clock, Register, meeting_at
from .factor_world import Owner
from .mailbox import Mailbox

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

Make = Callable[..., Awaitable[Owner]]


@pytest.fixture
def owner_of(register: Register, channel: grpc.aio.Channel, clock: Clock, postgres: Postgres) -> Make:
    async def make(username: str = "anna") -> Owner:
        user_id = (await register(username)).profile.id
        await postgres.primary.execute("update accounts set email_verified = true where user_id = $1", user_id)
        return Owner(user_id, username, channel, clock)

    return make


async def kinds(postgres: Postgres, user_id: int) -> list[str]:
    query = "select kind from security_events where user_id = $1 order by event_id"
    return [row["kind"] for row in await postgres.primary.fetch(query, user_id)]


async def test_from_the_first_code_on_a_password_alone_lets_nobody_in(owner_of: Make) -> None:
    owner = await owner_of()
    begun = await owner.begin_totp()
    assert begun.uri.startswith("otpauth://totp/Heliograph:anna?")
    assert (await owner.start()).tokens.access_token, "it only counts once it is confirmed"
    codes = await owner.confirm_totp(owner.code())
    assert len(set(codes)) == 10
    started = await owner.start()
    assert (started.tokens.access_token, started.tokens.refresh_token) == ("", "")
    assert list(started.second_factor.methods) == ["totp", "recovery_code"]
    assert await owner.gets_in(code=owner.fresh_code())


async def test_a_wrong_first_code_turns_nothing_on(owner_of: Make) -> None:
    owner = await owner_of()
    await owner.begin_totp()
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await owner.confirm_totp(owner.wrong_code())
    assert not (await owner.factors_on()).totp
    assert await owner.confirm_totp(owner.code())


async def test_a_secret_that_is_not_confirmed_in_time_is_void(owner_of: Make, clock: Clock) -> None:
    owner = await owner_of()
    await owner.begin_totp()
    clock.move(minutes=10)
    with pytest.raises(FailedPrecondition, match="TOTP_NOT_PENDING"):
        await owner.confirm_totp(owner.code())


async def test_a_second_secret_takes_the_place_of_one_that_waits(owner_of: Make) -> None:
    owner = await owner_of()
    await owner.begin_totp()
    first = owner.code()
    await owner.begin_totp()
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await owner.confirm_totp(first)
    assert await owner.confirm_totp(owner.code())


async def test_a_code_is_good_once_and_so_is_the_one_that_turned_it_on(owner_of: Make) -> None:
    owner = await owner_of()
    await owner.turn_totp_on()
    assert not await owner.gets_in(code=owner.code())
    code = owner.fresh_code()
    assert await owner.gets_in(code=code)
    assert not await owner.gets_in(code=code)
    assert not await owner.gets_in(code=owner.code(-1)), "nor is an older one good after it"
    assert await owner.gets_in(code=owner.code(1))


async def test_a_code_that_comes_many_times_at_once_lets_one_in(owner_of: Make, postgres: Postgres) -> None:
    owner = await owner_of()
    await owner.turn_totp_on()
    code = owner.fresh_code()
    async with meeting_at(postgres, "select from totp", 5):
        tries = asyncio.gather(*(owner.gets_in(code=code) for _ in range(5)))
    assert sorted(await tries) == [False] * 4 + [True]


async def test_a_recovery_code_stands_in_once(owner_of: Make) -> None:
    owner = await owner_of()
    code, other = (await owner.turn_totp_on())[:2]
    assert await owner.gets_in(recovery_code=code.upper().replace("-", " "))
    assert not await owner.gets_in(recovery_code=code)
    assert (await owner.factors_on()).recovery_codes_left == 9
    assert await owner.gets_in(recovery_code=other)


async def test_a_recovery_code_that_comes_many_times_at_once_lets_one_in(owner_of: Make, postgres: Postgres) -> None:
    owner = await owner_of()
    (code, *_) = await owner.turn_totp_on()
    async with meeting_at(postgres, "select from accounts", 5):
        tries = asyncio.gather(*(owner.gets_in(recovery_code=code) for _ in range(5)))
    assert sorted(await tries) == [False] * 4 + [True]
    assert (await owner.factors_on()).recovery_codes_left == 9


async def test_nobody_gets_in_with_the_codes_of_another(owner_of: Make) -> None:
    anna, berta = await owner_of("anna"), await owner_of("berta")
    await anna.turn_totp_on()
    (code, *_) = await berta.turn_totp_on()
    assert not await anna.gets_in(code=berta.fresh_code())
    assert not await anna.gets_in(recovery_code=code)
    assert await berta.gets_in(recovery_code=code)


async def test_new_recovery_codes_make_the_old_ones_void(owner_of: Make) -> None:
    owner = await owner_of()
    (old, *_) = await owner.turn_totp_on()
    (new, *_) = await owner.renew_codes(code=owner.fresh_code())
    assert not await owner.gets_in(recovery_code=old)
    assert await owner.gets_in(recovery_code=new)


async def test_without_a_factor_there_are_no_recovery_codes(owner_of: Make) -> None:
    with pytest.raises(FailedPrecondition, match="NO_SECOND_FACTOR"):
        await (await owner_of()).renew_codes()


@pytest.mark.parametrize("proof", ["code", "recovery_code"])
async def test_with_the_last_factor_go_the_recovery_codes(owner_of: Make, proof: str) -> None:
    owner = await owner_of()
    (code, *_) = await owner.turn_totp_on()
    await owner.remove_totp(**{proof: owner.fresh_code() if proof == "code" else code})
    assert (await owner.start()).tokens.access_token
    assert await owner.factors_on() == pb.GetFactorsResponse()
    with pytest.raises(NotFound, match="TOTP_NOT_FOUND"):
        await owner.remove_totp()


async def test_codes_are_not_turned_on_twice(owner_of: Make) -> None:
    owner = await owner_of()
    await owner.turn_totp_on()
    with pytest.raises(FailedPrecondition, match="TOTP_ON_ALREADY"):
        await owner.begin_totp(code=owner.fresh_code())


async def test_nothing_changes_without_the_password(owner_of: Make) -> None:
    owner = await owner_of()
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await owner.begin_totp(password="wrong horse")
    await owner.turn_totp_on()
    for change in (owner.begin_totp, owner.remove_totp, owner.renew_codes, owner.begin_passkey):
        with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
            await change(password="wrong horse", code=owner.code(1))


async def test_nothing_changes_without_a_proof_of_a_factor_once_there_is_one(owner_of: Make) -> None:
    owner = await owner_of()
    await owner.turn_totp_on()
    for change in (owner.begin_totp, owner.remove_totp, owner.renew_codes, owner.begin_passkey):
        with pytest.raises(PermissionDenied, match="SECOND_FACTOR_REQUIRED"):
            await change()
        with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
            await change(code=owner.wrong_code())
        with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
            await change(code=owner.code(1), recovery_code="x")
    assert (await owner.factors_on()).totp


async def test_after_a_hundred_wrong_codes_a_right_one_has_to_wait_and_a_recovery_code_does_not(
    owner_of: Make, postgres: Postgres, clock: Clock
) -> None:
    owner = await owner_of()
    (code, *_) = await owner.turn_totp_on()
    await postgres.primary.execute("update totp set wrong_codes = 99")
    assert not await owner.gets_in(code=owner.wrong_code())
    await postgres.primary.execute("update totp set wrong_at = $1", clock())
    with pytest.raises(ResourceExhausted, match="TOO_MANY_ATTEMPTS") as caught:
        await owner.gets_in(code=owner.code(1))
    assert caught.value.retry_after == pytest.approx(3600)
    assert await owner.gets_in(recovery_code=code)
    clock.move(hours=1)
    assert await owner.gets_in(code=owner.code())
    assert await postgres.primary.fetchval("select wrong_codes from totp") == 0


async def test_secrets_are_kept_sealed_and_codes_hashed(owner_of: Make, postgres: Postgres) -> None:
    owner = await owner_of()
    codes = await owner.turn_totp_on()
    kept = await postgres.primary.fetchval("select secret from totp")
    assert owner.secret not in kept
    hashes = [row["code_hash"] for row in await postgres.primary.fetch("select code_hash from recovery_codes")]
    assert not {code.encode() for code in codes} & set(hashes)


async def test_seals_are_renewed_under_the_newest_key(
    owner_of: Make, settings: UserSettings, postgres: Postgres
) -> None:
    owner = await owner_of()
    await owner.turn_totp_on()
    old = await postgres.primary.fetchval("select sealed_with from totp")
    rotated = type(settings).model_validate({**settings.model_dump(), "factor_keys": ["n" * 32, "k" * 32]})
    async with AsyncExitStack() as stack:
        later = await open_base(stack, rotated, owner.clock)
        assert [await later.factors.renew_seals() for _ in range(2)] == [1, 0]
        assert await postgres.primary.fetchval("select sealed_with from totp") == rotated.seals.newest != old
        proof = Proof(code=owner.fresh_code())
        assert await later.factors.verify(owner.id, proof, b"", Device())


async def test_the_owner_reads_of_it_in_the_log_and_by_letter(owner_of: Make, base: Base, postgres: Postgres) -> None:
    owner = await owner_of()
    (code, *_) = await owner.turn_totp_on()
    await owner.gets_in(recovery_code=code)
    await owner.renew_codes(code=owner.fresh_code())
    await owner.remove_totp(code=owner.fresh_code())
    told = ["totp_added", "recovery_code_used", "recovery_codes_made", "totp_removed"]
    assert [one for one in await Mailbox(base).templates("anna@example.org") if one in told] == told
    happened = ["totp_added", "recovery_codes_made", *told[1:]]
    assert [kind for kind in await kinds(postgres, owner.id) if kind in happened] == happened


async def test_an_address_that_is_not_confirmed_gets_no_letter_of_it(
    owner_of: Make, base: Base, postgres: Postgres
) -> None:
    owner = await owner_of()
    await postgres.primary.execute("update accounts set email_verified = false")
    await owner.turn_totp_on()
    assert "totp_added" not in await Mailbox(base).templates("anna@example.org")


async def test_an_operator_takes_all_factors_away_and_the_owner_is_told(
    owner_of: Make, base: Base, postgres: Postgres
) -> None:
    owner = await owner_of()
    await owner.turn_totp_on()
    async with postgres.primary.transaction() as conn:
        await base.accounts.lock(conn, owner.id)
        await base.factors.reset(conn, owner.id)
    assert (await owner.start()).tokens.access_token
    assert (await owner.factors_on()).recovery_codes_left == 0
    assert "second_factor_reset" in await Mailbox(base).templates("anna@example.org")
