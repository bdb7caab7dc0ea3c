import pytest
from kit.testing import eventually
from redis.asyncio import Redis


async def test_waiting_hands_back_the_first_true_answer() -> None:
    answers = iter([0, 0, 7])

    async def ask() -> int:
        return next(answers)

    assert await eventually(ask) == 7


async def test_waiting_in_vain_fails_with_the_last_assertion() -> None:
    async def never() -> bool:
        raise AssertionError("still wrong")

    with pytest.raises(AssertionError, match="still wrong"):
        await eventually(never, timeout=0.05)


async def test_each_test_has_redis_for_itself(redis_url: str, servers: dict[str, str]) -> None:
    assert redis_url != servers["HELIOGRAPH_REDIS_URL"]
    async with Redis.from_url(redis_url) as redis:
        assert await redis.dbsize() == 0
        await redis.set("left", "behind")
