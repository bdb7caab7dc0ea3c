"""Passkeys, with an authenticator that truly signs: made, used as a second factor and as a log-in, removed."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import grpc
import pytest
from kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from kit.postgres import Postgres
from support.authenticator import Authenticator
from user_service.wiring.base import Base

from .conftest import Clock, Register
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


async def options_at_log_in(owner: Owner) -> tuple[str, dict[str, object]]:
    """After the password: ticket and options."""
    due = (await owner.start()).second_factor
    return due.ticket, json.loads(due.passkey_options_json)


async def test_the_first_passkey_is_a_second_factor_and_comes_with_recovery_codes(owner_of: Make) -> None:
    owner, device = await owner_of(), Authenticator()
    made = await owner.add_passkey(device, "  Laptop ")
    assert (made.passkey.name, len(made.recovery_codes)) == ("Laptop", 10)
    started = await owner.start()
    assert started.tokens.access_token == ""
    assert list(started.second_factor.methods) == ["recovery_code", "passkey"]
    answer = device.get(json.loads(started.second_factor.passkey_options_json))
    finished = await owner.finish(started.second_factor.ticket, assertion_json=json.dumps(answer))
    assert finished.tokens.access_token
    (passkey,) = await owner.passkeys()
    assert passkey.HasField("last_used_at")


async def test_a_passkey_alone_lets_in_for_its_authenticator_makes_sure_of_its_owner(owner_of: Make) -> None:
    owner, device = await owner_of(), Authenticator()
    await owner.add_passkey(device)
    done = await owner.log_in_by_passkey(device)
    assert (done.profile.id, bool(done.tokens.access_token)) == (owner.id, True)


async def test_a_passkey_whose_authenticator_does_not_is_a_second_factor_only(owner_of: Make) -> None:
    owner, device = await owner_of(), Authenticator(verifies=False)
    await owner.add_passkey(device)
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await owner.log_in_by_passkey(device)
    ticket, options = await options_at_log_in(owner)
    assert await owner.finish(ticket, assertion_json=json.dumps(device.get(options)))


async def test_a_log_in_needs_the_account_that_the_authenticator_names(owner_of: Make) -> None:
    anna, berta, device = await owner_of("anna"), await owner_of("berta"), Authenticator()
    await anna.add_passkey(device)
    await berta.add_passkey(other := Authenticator())
    for handle in (None, other.handle, b"x" * 32):
        device.handle = handle
        with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
            await anna.log_in_by_passkey(device)


@pytest.mark.parametrize("wrong", [{"origin": "http://localhost:1"}, {"rp_id": "evil.example"}])
async def test_an_answer_to_another_place_lets_nobody_in(owner_of: Make, wrong: dict[str, str]) -> None:
    owner, device = await owner_of(), Authenticator()
    await owner.add_passkey(device)
    for name, value in wrong.items():
        setattr(device, name, value)
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await owner.log_in_by_passkey(device)
    ticket, options = await options_at_log_in(owner)
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await owner.finish(ticket, assertion_json=json.dumps(device.get(options)))


async def test_an_answer_is_good_once(owner_of: Make) -> None:
    owner, device = await owner_of(), Authenticator(counts=False)
    await owner.add_passkey(device)
    begun = await owner.begin_log_in()
    answer = device.get(json.loads(begun.options_json))
    assert await owner.answer_log_in(begun.ticket, answer)
    with pytest.raises(Unauthenticated, match="BAD_TICKET"):
        await owner.answer_log_in(begun.ticket, answer)
    again = await owner.begin_log_in()
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await owner.answer_log_in(again.ticket, answer)
    ticket, _ = await options_at_log_in(owner)
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await owner.finish(ticket, assertion_json=json.dumps(answer))


async def test_a_counter_that_does_not_go_on_is_refused_and_told(
    owner_of: Make, base: Base, postgres: Postgres
) -> None:
    owner, device = await owner_of(), Authenticator()
    await owner.add_passkey(device, "Key")
    for _ in range(2):
        await owner.log_in_by_passkey(device)
    for back in (1, 2):
        device.counter -= back
        with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
            await owner.log_in_by_passkey(device)
    query = "select details ->> 'passkey' from security_events where kind = 'passkey_clone_suspected'"
    assert [row[0] for row in await postgres.primary.fetch(query)] == ["Key", "Key"]
    assert (await Mailbox(base).templates("anna@example.org")).count("passkey_clone_suspected") == 2
    device.counter = 9
    assert await owner.log_in_by_passkey(device)


async def test_a_counter_of_a_forged_answer_accuses_nobody(owner_of: Make, postgres: Postgres) -> None:
    owner, device = await owner_of(), Authenticator()
    await owner.add_passkey(device)
    await owner.log_in_by_passkey(device)
    forger = Authenticator(credential_id=device.credential_id, handle=device.handle, rp_id=device.rp_id)
    forger.counter = -1
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await owner.log_in_by_passkey(forger)
    assert not await postgres.primary.fetchval("select count(*) from security_events where kind like 'passkey_clone%'")


async def test_the_passkey_of_another_account_proves_nothing(owner_of: Make) -> None:
    anna, berta = await owner_of("anna"), await owner_of("berta")
    of_anna, of_berta = Authenticator(), Authenticator()
    await anna.add_passkey(of_anna)
    await berta.add_passkey(of_berta)
    ticket, options = await options_at_log_in(anna)
    for with_handle in (True, False):
        answer = of_berta.get(options, with_handle=with_handle)
        with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
            await anna.finish(ticket, assertion_json=json.dumps(answer))
    proof = await berta.prove(of_berta)
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await anna.begin_totp(**proof)


async def test_a_credential_belongs_to_one_account(owner_of: Make) -> None:
    anna, berta, device = await owner_of("anna"), await owner_of("berta"), Authenticator()
    await anna.add_passkey(device)
    handle = device.handle
    with pytest.raises(AlreadyExists, match="PASSKEY_TAKEN"):
        await berta.add_passkey(device)
    device.handle = handle
    with pytest.raises(AlreadyExists, match="PASSKEY_TAKEN"):
        await anna.add_passkey(device, **await anna.prove(device))
    assert not await berta.passkeys()
    assert (await berta.start()).tokens.access_token


async def test_a_registration_is_good_once_for_its_account_and_in_time(owner_of: Make, clock: Clock) -> None:
    anna, berta = await owner_of("anna"), await owner_of("berta")
    begun, device = await anna.begin_passkey(), Authenticator()
    answer = device.create(json.loads(begun.options))
    with pytest.raises(InvalidArgument, match="BAD_PASSKEY_REGISTRATION"):
        await berta.finish_passkey(begun.ticket, answer)
    assert await anna.finish_passkey(begun.ticket, answer)
    with pytest.raises(InvalidArgument, match="BAD_PASSKEY_REGISTRATION"):
        await anna.finish_passkey(begun.ticket, answer)
    late = await berta.begin_passkey()
    clock.move(minutes=5)
    with pytest.raises(InvalidArgument, match="BAD_PASSKEY_REGISTRATION"):
        await berta.finish_passkey(late.ticket, Authenticator().create(json.loads(late.options)))


async def test_a_registration_that_comes_twice_at_once_makes_one(owner_of: Make) -> None:
    owner = await owner_of()
    begun = await owner.begin_passkey()
    answer = Authenticator().create(json.loads(begun.options))
    tries = (owner.finish_passkey(begun.ticket, answer) for _ in range(4))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(isinstance(one, InvalidArgument) for one in done) == [False, True, True, True]
    assert len(await owner.passkeys()) == 1


async def test_a_challenge_to_confirm_with_registers_nothing_and_the_other_way_round(owner_of: Make) -> None:
    owner, device = await owner_of(), Authenticator()
    await owner.add_passkey(device)
    begun = await owner.begin_passkey(**await owner.prove(device))
    answer = json.dumps(device.get(json.loads(begun.options) | {"allowCredentials": []}))
    with pytest.raises(Unauthenticated, match="BAD_SECOND_FACTOR"):
        await owner.renew_codes(assertion=answer, ticket=begun.ticket)


async def test_several_passkeys_have_names_and_are_listed_in_pages(owner_of: Make) -> None:
    owner, first = await owner_of(), Authenticator()
    await owner.add_passkey(first, "Phone")
    for name in ("Laptop", ""):
        made = await owner.add_passkey(Authenticator(), name, **await owner.prove(first))
        assert list(made.recovery_codes) == []
    assert [one.name for one in await owner.passkeys()] == ["Passkey", "Laptop", "Phone"]
    with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
        await owner.add_passkey(Authenticator(), "x" * 61, **await owner.prove(first))


async def test_an_account_has_so_many_passkeys_and_no_more(owner_of: Make, postgres: Postgres) -> None:
    owner, first = await owner_of(), Authenticator()
    await owner.add_passkey(first)
    await postgres.primary.execute(
        "insert into passkeys (user_id, credential_id, public_key, sign_count, transports, name, created_at) "
        "select user_id, decode(lpad(n::text, 8, '0'), 'hex'), public_key, 0, '{}', 'more', created_at "
        "from passkeys, generate_series(1, 19) n"
    )
    with pytest.raises(FailedPrecondition, match="TOO_MANY_PASSKEYS"):
        await owner.begin_passkey(**await owner.prove(first))


async def test_a_removed_passkey_lets_nobody_in_and_can_be_made_again(owner_of: Make) -> None:
    owner, kept, lost = await owner_of(), Authenticator(), Authenticator()
    await owner.add_passkey(kept)
    made = await owner.add_passkey(lost, "Lost", **await owner.prove(kept))
    with pytest.raises(PermissionDenied, match="SECOND_FACTOR_REQUIRED"):
        await owner.remove_passkey(made.passkey.id)
    await owner.remove_passkey(made.passkey.id, **await owner.prove(kept))
    with pytest.raises(Unauthenticated, match="BAD_CREDENTIALS"):
        await owner.log_in_by_passkey(lost)
    with pytest.raises(NotFound, match="PASSKEY_NOT_FOUND"):
        await owner.remove_passkey(made.passkey.id, **await owner.prove(kept))
    assert await owner.add_passkey(lost, **await owner.prove(kept))


async def test_nobody_removes_the_passkey_of_another(owner_of: Make) -> None:
    anna, berta = await owner_of("anna"), await owner_of("berta")
    made = await anna.add_passkey(Authenticator())
    with pytest.raises(NotFound, match="PASSKEY_NOT_FOUND"):
        await berta.remove_passkey(made.passkey.id)
    assert len(await anna.passkeys()) == 1


async def test_with_the_last_passkey_the_second_factor_is_gone(owner_of: Make) -> None:
    owner, device = await owner_of(), Authenticator()
    made = await owner.add_passkey(device)
    await owner.remove_passkey(made.passkey.id, recovery_code=made.recovery_codes[0])
    assert (await owner.start()).tokens.access_token
    assert (await owner.factors_on()).recovery_codes_left == 0


async def test_without_a_passkey_there_is_no_challenge(owner_of: Make) -> None:
    owner = await owner_of()
    with pytest.raises(NotFound, match="PASSKEY_NOT_FOUND"):
        await owner.prove(Authenticator())


async def test_an_account_that_is_suspended_is_not_let_in_by_its_passkey(owner_of: Make, postgres: Postgres) -> None:
    owner, device = await owner_of(), Authenticator()
    await owner.add_passkey(device)
    await postgres.primary.execute("update accounts set state = 2")
    with pytest.raises(PermissionDenied, match="ACCOUNT_SUSPENDED"):
        await owner.log_in_by_passkey(device)
