"""Tokens across processes: ended sessions are over everywhere, and new signing keys log nobody out."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jws import extract_compact
from kit.testing import MakeDatabase, MakeSettings, eventually
from redis.asyncio import Redis
from support.entrance import Clock, Gateway, User, gateway, log_in, register, status, user_service
from user_service.settings import UserSettings
from user_service.store.keys import KeyFolder

MIGRATIONS = Path(__file__).parents[2] / "services/user/migrations"
NOWHERE = "redis://127.0.0.1:1/0"
REVOKED = (401, "SESSION_REVOKED")

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    folder = KeyFolder(tmp_path / "keys")
    folder.create(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return folder


@pytest.fixture
async def settings(
    make_database: MakeDatabase,
    make_settings: MakeSettings,
    redis_url: str,
    topic_prefix: str,
    bucket: str,
    keys: KeyFolder,
    tmp_path: Path,
) -> UserSettings:
    del keys  # they are in the folder
    return make_settings(
        UserSettings,
        postgres_dsn=await make_database(MIGRATIONS),
        redis_url=redis_url,
        topic_prefix=topic_prefix,
        s3_bucket=bucket,
        token_keys_dir=tmp_path / "keys",
        password_memory_kib=8,
        factor_keys="x" * 32,
        avatar_folder=tmp_path / "avatars",
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def user(settings: UserSettings, clock: Clock, stack: AsyncExitStack) -> User:
    return await stack.enter_async_context(user_service(settings, clock))


async def two_gateways(
    stack: AsyncExitStack, ports: tuple[int, int], redis_url: str, servers: dict[str, str]
) -> tuple[Gateway, Gateway]:
    opened = [await stack.enter_async_context(gateway(port, redis_url, servers)) for port in ports]
    for each in opened:
        await eventually(lambda each=each: _knows_revocations(each))
    return opened[0], opened[1]


async def _knows_revocations(gateway: Gateway) -> bool:
    answer = await gateway.http.get("/readyz")
    return answer.status_code == 200


@pytest.mark.parametrize("redis", ["there", "flushed", "down"])
async def test_a_log_out_reaches_the_other_gateway_within_a_second(
    user: User, stack: AsyncExitStack, redis_url: str, servers: dict[str, str], redis: str
) -> None:
    url = NOWHERE if redis == "down" else redis_url
    here, there = await two_gateways(stack, (user.port, user.port), url, servers)
    await register(user)
    token, other = (await log_in(here.http))["access_token"], (await log_in(there.http))["access_token"]
    assert await status(there.http, token) == (200, "")
    await here.http.delete("/v1/sessions/current", headers={"Authorization": f"Bearer {token}"})
    if redis == "flushed":
        async with Redis.from_url(redis_url) as client:
            await client.flushdb()
    ended = time.monotonic()
    assert await status(here.http, token) == REVOKED
    while await status(there.http, token) != REVOKED:
        assert time.monotonic() - ended < 1
        await asyncio.sleep(0.02)
    assert await status(there.http, other) == (200, "")
    fresh = await stack.enter_async_context(gateway(user.port, url, servers))
    await eventually(lambda: _knows_revocations(fresh))
    assert await status(fresh.http, token) == REVOKED


async def test_without_the_user_service_what_is_over_stays_over_and_a_new_gateway_lets_nobody_in(
    user: User, stack: AsyncExitStack, redis_url: str, servers: dict[str, str]
) -> None:
    here, there = await two_gateways(stack, (user.port, user.port), redis_url, servers)
    await register(user)
    ended, alive = (await log_in(here.http))["access_token"], (await log_in(here.http))["access_token"]
    await here.http.delete("/v1/sessions/current", headers={"Authorization": f"Bearer {ended}"})
    await eventually(lambda: _is(there, ended, REVOKED))
    await user.stop()
    assert await status(there.http, ended) == REVOKED
    assert await status(there.http, alive) == (503, "USER_UNAVAILABLE")  # let in, and nobody there to answer
    fresh = await stack.enter_async_context(gateway(user.port, redis_url, servers))
    assert await status(fresh.http, ended) == (503, "USER_UNAVAILABLE")
    assert (await fresh.http.get("/readyz")).status_code == 503


async def test_a_new_signing_key_logs_nobody_out(
    settings: UserSettings,
    clock: Clock,
    user: User,
    keys: KeyFolder,
    stack: AsyncExitStack,
    redis_url: str,
    servers: dict[str, str],
) -> None:
    """Two replicas and two gateways, each gateway with another replica, under requests all the time."""
    second = await stack.enter_async_context(user_service(settings, clock))
    here, there = await two_gateways(stack, (user.port, second.port), redis_url, servers)
    await register(user)
    old_token = (await log_in(here.http))["access_token"]
    answers: list[tuple[int, str]] = []
    enough = asyncio.Event()

    async def use(one: Gateway, other: Gateway) -> str:
        tokens = await log_in(one.http)
        while not enough.is_set():
            answers.extend([await status(each.http, tokens["access_token"]) for each in (one, other)])
            again = await one.http.post("/v1/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
            answers.append((again.status_code, ""))
            tokens = again.json()
        return tokens["access_token"]

    using = [asyncio.create_task(use(*pair)) for pair in ((here, there), (there, here))]
    # Gateways ask for keys at most every two seconds, and a key settles for longer than that.
    started = time.monotonic()
    await eventually(lambda: _after(started + 2.1))
    new = keys.create(clock)
    for replica in (user, second):
        await replica.base.tokens.reload()
    clock.ahead = timedelta(seconds=settings.token_key_settling_seconds)
    count = len(answers)
    await eventually(lambda: _longer(answers, count + 20))
    enough.set()
    signed_last = await asyncio.gather(*using)
    assert set(answers) == {(200, "")}
    assert {_kid(token) for token in signed_last} == {new}
    assert _kid(old_token) != new
    assert [await status(each.http, old_token) for each in (here, there)] == [(200, "")] * 2
    published = (await here.http.get("/.well-known/jwks.json")).json()["keys"]
    assert {key["kid"] for key in published} == {new, _kid(old_token)}
    assert all("d" not in key for key in published)


def _kid(token: str) -> str:
    return str(extract_compact(token.encode()).headers()["kid"])


async def _is(gateway: Gateway, token: str, expected: tuple[int, str]) -> bool:
    return await status(gateway.http, token) == expected


async def _after(moment: float) -> bool:
    return time.monotonic() > moment


async def _longer(answers: list[tuple[int, str]], count: int) -> bool:
    return len(answers) > count
