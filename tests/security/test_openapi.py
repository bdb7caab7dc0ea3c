"""The OpenAPI document against the running system: whatever fits it, or does not, is answered as it says."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from devstack.testing import Stack
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from support.administration import make_admin
from support.rest import join
from support.roles import things_of

CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
EXAMPLES = 8
"""For each route and each of: requests that fit the document, and requests that do not."""

DOCUMENT = Path(__file__).parents[2] / "gateway" / "openapi.json"
PATHS = json.loads(DOCUMENT.read_text())["paths"]
ROUTES = [f"{method.upper()} {path}" for path, methods in PATHS.items() for method in methods]


@pytest.fixture(scope="module")
def schema(stack: Stack) -> Any:
    return schemathesis.openapi.from_url(f"{stack.url}/openapi.json")


async def token_of_an_admin(stack: Stack) -> str:
    """Of somebody new: what is drawn may end their session, or their account."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=15) as http:
        return (await make_admin(stack, await join(http, "fuzz"))).access_token


async def known_things(stack: Stack) -> dict[str, str]:
    """What paths may name: without them no more than 404s would be seen."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=15) as http:
        return await things_of(await join(http, "fuzz"))


@pytest.fixture(scope="module")
def things(stack: Stack) -> dict[str, str]:
    return asyncio.run(known_things(stack))


@pytest.mark.parametrize("route", ROUTES)
def test_the_answers_are_those_of_the_document(route: str, schema: Any, stack: Stack, things: dict[str, str]):
    operation, token = operation_of(schema, route), asyncio.run(token_of_an_admin(stack))
    assert play(operation, GenerationMode.POSITIVE, token, things) > 0
    with suppress(Unsatisfiable):  # whatever one sends to it fits
        play(operation, GenerationMode.NEGATIVE, token, things)


def operation_of(schema: Any, route: str) -> Any:
    method, _, path = route.partition(" ")
    return schema[path][method]


def play(operation: Any, mode: GenerationMode, token: str, things: Mapping[str, str]) -> int:
    """Answers how many requests were made."""
    library: Any = schemathesis  # its registry of checks is typed in part
    played, checked = 0, library.checks.CHECKS.get_by_names(CHECKED)

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode), named=st.booleans())
    def one(case: Any, named: bool) -> None:
        nonlocal played
        if named and mode is GenerationMode.POSITIVE:
            case.path_parameters = {name: things.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=checked, timeout=20)
        played += 1

    one()
    return played
