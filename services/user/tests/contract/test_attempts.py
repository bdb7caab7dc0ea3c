"""Guesses are limited, the owner's own device is not stopped by those of strangers, and the owner sees them."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest
from heliograph.user.v1 import sign_in_pb2, user_pb2
from heliograph.user.v1.sign_in_pb2_grpc import SignInServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import DomainError, InvalidArgument, ResourceExhausted, Unauthenticated
from kit.testing import Rpc
from pydantic import SecretStr
from redis.asyncio import Redis
from user_service.model.security import Device, Kind
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import serving_of
from user_service.wiring.sign_in import security_events_of

from .conftest import PASSWORD, Clock, Register

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

PER_NETWORK, PER_ACCOUNT, PER_DEVICE = 10, 50, 10


async def log_in(
    users: UserServiceStub,
    password: str = PASSWORD,
    *,
    login: str = "anna",
    address: str = "192.0.2.1",
    token: str = "",
) -> user_pb2.CreateSessionResponse:
    request = user_pb2.CreateSessionRequest(login=login, password=password, address=address, device_token=token)
    return await users.CreateSession(request)


async def guesses(users: UserServiceStub, count: int, **from_where: str) -> list[str]:
    """Reasons of as many wrong log-ins, one after another."""
    reasons: list[str] = []
    for _ in range(count):
        try:
            await log_in(users, "wrong horse", **from_where)
        except DomainError as error:
            reasons.append(error.reason)
    return reasons


async def events(base: Base, user_id: int) -> list[tuple[str, dict[str, str]]]:
    return [
        (event.kind, dict(event.details)) for event in await base.entrance.history.of(user_id, before=None, limit=99)
    ]


async def test_guesses_from_one_place_are_limited_and_the_right_password_does_not_help(
    users: UserServiceStub, register: Register
) -> None:
    await register()
    assert await guesses(users, PER_NETWORK) == ["BAD_CREDENTIALS"] * PER_NETWORK
    with pytest.raises(ResourceExhausted) as caught:
        await log_in(users)
    assert caught.value.reason == "TOO_MANY_ATTEMPTS"
    assert caught.value.retry_after == pytest.approx(90, abs=5)
    assert (await log_in(users, address="192.0.2.2")).tokens.access_token


async def test_a_login_that_nobody_has_is_limited_alike(users: UserServiceStub) -> None:
    reasons = await guesses(users, PER_NETWORK + 2, login="nobody")
    assert reasons == ["BAD_CREDENTIALS"] * PER_NETWORK + ["TOO_MANY_ATTEMPTS"] * 2


async def test_strangers_everywhere_do_not_stop_the_owners_own_device(
    users: UserServiceStub, register: Register
) -> None:
    await register()
    token = (await log_in(users)).device_token
    reasons = [await guesses(users, 1, address=f"198.51.100.{number}") for number in range(PER_ACCOUNT + 1)]
    assert reasons.count(["BAD_CREDENTIALS"]) == PER_ACCOUNT
    assert reasons[-1] == ["TOO_MANY_ATTEMPTS"]
    with pytest.raises(ResourceExhausted):
        await log_in(users)
    assert (await log_in(users, token=token)).device_token == token
    assert (await log_in(users, token=token, address="203.0.113.9")).tokens.access_token


async def test_a_known_device_has_a_budget_of_its_own_and_no_endless_one(
    users: UserServiceStub, register: Register
) -> None:
    await register()
    token = (await log_in(users)).device_token
    reasons = await guesses(users, PER_DEVICE + 1, token=token)
    assert reasons == ["BAD_CREDENTIALS"] * PER_DEVICE + ["TOO_MANY_ATTEMPTS"]
    assert (await log_in(users)).tokens.access_token, "strangers were not charged for it"


async def test_the_token_of_one_account_is_none_for_another(users: UserServiceStub, register: Register) -> None:
    for name in ("anna", "berta"):
        await register(name)
    token = (await log_in(users, login="berta")).device_token
    assert (await guesses(users, PER_NETWORK + 1, token=token))[-1] == "TOO_MANY_ATTEMPTS"
    made_up = "hgd_" + "A" * 43
    with pytest.raises(ResourceExhausted):
        await log_in(users, token=made_up)


async def test_right_passwords_cost_nothing(users: UserServiceStub, register: Register) -> None:
    await register()
    for _ in range(PER_NETWORK + 2):
        await log_in(users)
    assert (await guesses(users, PER_NETWORK + 1))[-2:] == ["BAD_CREDENTIALS", "TOO_MANY_ATTEMPTS"]


async def test_two_processes_count_together_and_exactly(
    users: UserServiceStub, register: Register, settings: UserSettings, clock: Clock, rpc: Rpc
) -> None:
    await register()
    async with AsyncExitStack() as stack:
        other = UserServiceStub(await rpc(*serving_of(await open_base(stack, settings, clock)).register))
        found = await asyncio.gather(*(guesses(each, 1) for each in (users, other) for _ in range(PER_NETWORK)))
    assert sum(reasons == ["BAD_CREDENTIALS"] for reasons in found) == PER_NETWORK


async def test_without_redis_each_process_still_limits(
    register: Register, settings: UserSettings, clock: Clock, rpc: Rpc
) -> None:
    await register()
    alone = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with AsyncExitStack() as stack:
        users = UserServiceStub(await rpc(*serving_of(await open_base(stack, alone, clock)).register))
        token = (await log_in(users)).device_token
        reasons = await guesses(users, PER_NETWORK + 1)
        assert reasons == ["BAD_CREDENTIALS"] * PER_NETWORK + ["TOO_MANY_ATTEMPTS"]
        assert (await log_in(users, token=token)).tokens.access_token


async def test_redis_hears_neither_names_nor_addresses(
    users: UserServiceStub, register: Register, redis: Redis
) -> None:
    await register()
    await guesses(users, 1)
    found: list[bytes] = await redis.keys("user:limit:*")  # type: ignore[misc]
    keys = b" ".join(found).decode()
    assert keys.count("user:limit:log_in:") == 3
    assert "anna" not in keys
    assert "192.0.2.1" not in keys


async def test_an_attack_makes_one_event_an_hour_that_counts_it(
    users: UserServiceStub, register: Register, base: Base, clock: Clock
) -> None:
    profile = (await register()).profile
    for address in ("192.0.2.1", "192.0.2.2"):
        await guesses(users, 5, address=address)
        await base.entrance.failures.write()
    assert await events(base, profile.id) == [("log_in_failed", {"attempts": "10"})]
    (event,) = await base.entrance.history.of(profile.id, before=None, limit=9)
    assert event.device.address == "192.0.2.2"
    clock.move(hours=2)
    await guesses(users, 1, address="192.0.2.3")
    await base.entrance.failures.write()
    assert [details["attempts"] for _, details in await events(base, profile.id)] == ["1", "10"]


async def test_guesses_past_the_limit_are_not_noted(users: UserServiceStub, register: Register, base: Base) -> None:
    profile = (await register()).profile
    await guesses(users, PER_NETWORK + 5)
    await base.entrance.failures.write()
    assert await events(base, profile.id) == [("log_in_failed", {"attempts": str(PER_NETWORK)})]


async def test_failures_by_an_address_are_noted_for_whoever_has_confirmed_it(
    users: UserServiceStub, register: Register, base: Base
) -> None:
    """Else whoever named somebody's address would read where that person is."""
    profile = (await register()).profile
    await guesses(users, 2, login="anna@example.org")
    await base.entrance.failures.write()
    assert await events(base, profile.id) == []
    await base.postgres.primary.execute("update accounts set email_verified = true")
    await guesses(users, 2, login="anna@example.org")
    await base.entrance.failures.write()
    assert await events(base, profile.id) == [("log_in_failed", {"attempts": "2"})]


async def test_what_failed_on_nobodys_account_is_noted_nowhere(users: UserServiceStub, base: Base) -> None:
    await guesses(users, 3, login="nobody")
    await base.entrance.failures.write()
    assert await base.postgres.primary.fetchval("select count(*) from security_events") == 0


async def test_a_password_that_is_asked_for_again_is_limited_too(register: Register, base: Base) -> None:
    profile = (await register()).profile
    here = Device("192.0.2.1")
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            await base.sign_in.confirm(profile.id, "wrong horse", here)
    with pytest.raises(ResourceExhausted, match="TOO_MANY_ATTEMPTS"):
        await base.sign_in.confirm(profile.id, PASSWORD, here)
    await base.sign_in.confirm(profile.id, PASSWORD, Device("192.0.2.2"))
    await base.entrance.failures.write()
    assert ("confirmation_failed", {"attempts": "10"}) in await events(base, profile.id)


async def test_registrations_from_one_place_are_limited(users: UserServiceStub) -> None:
    def request(number: int, address: str) -> user_pb2.RegisterAccountRequest:
        return user_pb2.RegisterAccountRequest(
            username=f"user{number}", email=f"u{number}@example.org", password=PASSWORD, address=address
        )

    for number in range(30):
        await users.RegisterAccount(request(number, "2001:db8::1"))
    with pytest.raises(ResourceExhausted, match="TOO_MANY_ATTEMPTS"):
        await users.RegisterAccount(request(30, "2001:db8::ffff:1"))
    await users.RegisterAccount(request(31, "2001:db8:0:1::1"))


async def test_an_account_remembers_twenty_devices(users: UserServiceStub, register: Register, base: Base) -> None:
    user_id = (await register()).profile.id
    tokens = [(await log_in(users)).device_token for _ in range(22)]
    known = [await base.entrance.devices.knows(user_id, token) for token in tokens]
    assert sum(known) == 20
    assert len(set(tokens)) == 22


async def test_the_owner_reads_events_newest_first_in_pages(
    users: UserServiceStub, channel: grpc.aio.Channel, register: Register, base: Base
) -> None:
    profile, other = (await register()).profile, (await register("berta")).profile
    await log_in(users, login="berta")
    for _ in range(3):
        await log_in(users)
    await base.grants.revoke_others(profile.id, 0, Device("192.0.2.7", "Test/1"))
    seen: list[sign_in_pb2.SecurityEvent] = []
    request = sign_in_pb2.ListSecurityEventsRequest(viewer_id=profile.id, page_size=3)
    service = SignInServiceStub(channel)
    while True:
        page = await service.ListSecurityEvents(request)
        seen += page.events
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert [event.kind for event in seen] == [Kind.SESSIONS_ENDED, *[Kind.LOGGED_IN] * 3]
    assert (seen[0].address, seen[0].user_agent) == ("192.0.2.7", "Test/1")
    assert other.id != profile.id
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        await service.ListSecurityEvents(sign_in_pb2.ListSecurityEventsRequest(viewer_id=1, page_token="x"))


async def test_old_events_are_forgotten(users: UserServiceStub, register: Register, base: Base) -> None:
    user_id = (await register()).profile.id
    await log_in(users)
    await log_in(users)
    await base.postgres.primary.execute(
        "update security_events set created_at = now() - interval '181 days' "
        "where event_id = (select min(event_id) from security_events)"
    )
    await security_events_of(base).sweep()
    assert len(await events(base, user_id)) == 1
