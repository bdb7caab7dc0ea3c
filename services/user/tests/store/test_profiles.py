import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from kit.errors import Unavailable
from kit.redis import open_redis
from kit.settings import RedisSettings
from pydantic import SecretStr
from redis.asyncio import Redis
from user_service import events
from user_service.model.accounts import AccountState, Profile
from user_service.store.profiles import Load, ProfileCache

ANNA = Profile(
    id=7 << 40,
    username="anna",
    name="Anna é 👩‍🚀",
    bio="one\ntwo",
    website="https://example.org",
    location="",
    pronouns="",
    avatar_key="",
    private_account=False,
    state=AccountState.SUSPENDED,
    created_at=datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC),
    version=3,
)


def loading(*profiles: Profile, calls: list[list[int]] | None = None) -> Load:
    async def load(ids: Sequence[int]) -> Mapping[int, Profile]:
        if calls is not None:
            calls.append(list(ids))
        return {profile.id: profile for profile in profiles if profile.id in ids}

    return load


def cache_in(redis: Redis) -> ProfileCache:
    return ProfileCache(redis, events.encode, events.decode, 60)


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncGenerator[Redis]:
    async with open_redis(RedisSettings(redis_url=SecretStr(redis_url))) as client:
        yield client


@pytest.fixture
def cache(redis: Redis) -> ProfileCache:
    return cache_in(redis)


async def test_a_profile_comes_back_as_it_was_put_without_a_look_at_the_truth(cache: ProfileCache) -> None:
    calls: list[list[int]] = []
    await cache.put(ANNA)
    assert await cache.get_many([ANNA.id], loading(calls=calls)) == {ANNA.id: ANNA}
    assert calls == []


async def test_only_what_is_missing_is_loaded_and_then_cached(cache: ProfileCache) -> None:
    berta, calls = replace(ANNA, id=8, username="berta"), list[list[int]]()
    await cache.put(ANNA)
    for _ in range(2):
        found = await cache.get_many([berta.id, ANNA.id], loading(berta, calls=calls))
        assert list(found.items()) == [(berta.id, berta), (ANNA.id, ANNA)]
    assert calls == [[berta.id]]


async def test_an_unknown_id_is_asked_for_again(cache: ProfileCache) -> None:
    assert await cache.get_many([9], loading()) == {}
    assert await cache.get_many([9], loading(replace(ANNA, id=9))) != {}


async def test_a_stale_write_cannot_win(cache: ProfileCache) -> None:
    newer = replace(ANNA, private_account=True, version=4)
    await cache.put(newer)
    await cache.put(ANNA)
    assert await cache.get_many([ANNA.id], loading()) == {ANNA.id: newer}


async def test_a_late_put_cannot_win_over_what_was_loaded_meanwhile(cache: ProfileCache) -> None:
    newer = replace(ANNA, private_account=True, version=4)
    await cache.get_many([ANNA.id], loading(newer))
    await cache.put(ANNA)
    assert await cache.get_many([ANNA.id], loading()) == {ANNA.id: newer}


async def test_a_reader_that_loaded_before_a_change_cannot_cache_what_it_loaded_after_it(cache: ProfileCache) -> None:
    newer, loaded, changed = replace(ANNA, private_account=True, version=4), asyncio.Event(), asyncio.Event()

    async def load_slowly(ids: Sequence[int]) -> Mapping[int, Profile]:
        loaded.set()
        await changed.wait()
        return {ANNA.id: ANNA}

    reader = asyncio.create_task(cache.get_many([ANNA.id], load_slowly))
    await loaded.wait()
    await cache.put(newer)
    changed.set()
    await reader
    assert await cache.get_many([ANNA.id], loading()) == {ANNA.id: newer}


@pytest.mark.parametrize(("older", "newer"), [(9, 10), (99, 100), (2**53, 2**53 + 1)])
async def test_versions_are_compared_as_numbers(cache: ProfileCache, older: int, newer: int) -> None:
    for version in (newer, older):
        await cache.put(replace(ANNA, version=version))
    assert (await cache.get_many([ANNA.id], loading()))[ANNA.id].version == newer
    await cache.put(replace(ANNA, version=newer + 1))
    assert (await cache.get_many([ANNA.id], loading()))[ANNA.id].version == newer + 1


async def test_an_entry_does_not_live_for_ever(cache: ProfileCache, redis: Redis) -> None:
    await cache.put(ANNA)
    assert 0 < await redis.ttl(f"user:profile:{{{ANNA.id}}}") <= 60


async def test_without_redis_profiles_come_from_the_truth() -> None:
    async with open_redis(RedisSettings(redis_url=SecretStr("redis://127.0.0.1:1/0"))) as nowhere:
        cache = cache_in(nowhere)
        await cache.put(ANNA)
        assert await cache.get_many([ANNA.id], loading(ANNA)) == {ANNA.id: ANNA}
        with pytest.raises(Unavailable, match="REDIS_UNAVAILABLE"):
            await cache.put_surely(ANNA)
