"""One whole system for the tests of e2e and security: every process of ours, on data of its own."""

from collections.abc import AsyncGenerator, Iterator

import httpx
import pytest
from devstack.testing import Stack
from support.system import UNLIMITED


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack(environment=UNLIMITED) as stack:
        yield stack


@pytest.fixture
def base_url(stack: Stack) -> str:
    return stack.url


@pytest.fixture
async def http(base_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base_url, timeout=15) as client:
        yield client
