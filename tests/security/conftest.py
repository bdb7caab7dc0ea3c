"""An app of other people's, its maker, and the browser of somebody who uses it."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from support.oauth import Lens, browser_at, log_in, make_app
from support.rest import Person, join


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await join(http, "prey")


@pytest.fixture
async def maker(http: httpx.AsyncClient) -> Person:
    return await join(http, "maker")


@pytest.fixture(params=[True, False], ids=["confidential", "public"])
async def lens(maker: Person, request: pytest.FixtureRequest) -> Lens:
    return await make_app(maker, confidential=request.param)


@pytest.fixture
async def browser(base_url: str, lens: Lens, person: Person) -> AsyncGenerator[httpx.AsyncClient]:
    """In which the person is logged in."""
    async with browser_at(base_url) as browser:
        await log_in(browser, lens, person)
        yield browser
