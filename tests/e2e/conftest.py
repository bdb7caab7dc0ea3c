from collections.abc import AsyncGenerator, Iterator

import httpx
import pytest
from devstack.testing import Stack
from support.collector import collecting
from support.observed import Observed, environment


@pytest.fixture(scope="session")
def observed() -> Iterator[Observed]:
    with collecting() as collector, Stack(environment=environment(collector.endpoint)) as stack:
        yield Observed(stack, collector)


@pytest.fixture
async def watched_http(observed: Observed) -> AsyncGenerator[httpx.AsyncClient]:
    """To the system that is looked at."""
    async with httpx.AsyncClient(base_url=observed.stack.url, timeout=30) as client:
        yield client
