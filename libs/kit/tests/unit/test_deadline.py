import asyncio

from kit import deadline


def test_outside_a_request_there_is_no_deadline() -> None:
    assert deadline.remaining() is None


def test_a_block_has_at_most_its_own_time() -> None:
    with deadline.within(1):
        left = deadline.remaining()
        assert left is not None
        assert 0.9 < left <= 1
    assert deadline.remaining() is None


def test_a_block_never_has_more_than_what_is_around_it() -> None:
    with deadline.within(1), deadline.within(60):
        left = deadline.remaining()
        assert left is not None
        assert left <= 1


def test_what_is_over_stays_over() -> None:
    with deadline.within(-1):
        left = deadline.remaining()
        assert left is not None
        assert left < 0


async def test_each_task_has_its_own_deadline() -> None:
    async def begin(seconds: float) -> float | None:
        deadline.start(seconds)
        await asyncio.sleep(0)
        return deadline.remaining()

    short, long = await asyncio.gather(begin(1), begin(60))
    assert short is not None
    assert long is not None
    assert short <= 1 < 50 < long
    assert deadline.remaining() is None
