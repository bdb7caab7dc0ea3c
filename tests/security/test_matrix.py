"""Every route, to everybody: what each may do is written down cell by cell, and nothing else is so."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx
import pytest
import pytest_asyncio
from devstack.testing import Stack
from support.administration import make_admin
from support.matrix import Row
from support.matrix_rows import ROWS
from support.rest import Person, join
from support.roles import Role, World, send, things_of

Worlds = Mapping[str, World]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(stack: Stack) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=stack.url) as http:
        return (await http.get("/openapi.json")).raise_for_status().json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds(stack: Stack, document: dict[str, Any]) -> AsyncGenerator[Worlds]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=15) as http:
        scopes = await scopes_for_apps(http)
        admins = [await make_admin(stack, await join(http, "admin")) for _ in WORLDS]
        yield {
            name: await make_world(http, admin, scopes, private=name == "private")
            for name, admin in zip(WORLDS, admins, strict=True)
        }


WORLDS = ("private", "public")


async def make_world(http: httpx.AsyncClient, admin: Person, scopes: frozenset[str], *, private: bool) -> World:
    subject = await join(http, "subject")
    if private:
        (await subject.patch("/v1/me/settings", {"private_account": True})).raise_for_status()
    return World(http, admin, private, scopes, subject, await things_of(subject))


def operations(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def scope_of(operation: Mapping[str, Any]) -> str:
    """What the route asks of a token; empty when it looks at none."""
    named = [scopes for way in operation.get("security", []) for scopes in way.values()]
    return named[0][0] if named else ""


async def scopes_for_apps(http: httpx.AsyncClient) -> frozenset[str]:
    """Those that somebody can grant to an app."""
    metadata = (await http.get("/.well-known/oauth-authorization-server")).raise_for_status().json()
    return frozenset(metadata["scopes_supported"])


async def test_every_route_has_a_row_and_every_row_a_route(document: dict[str, Any]) -> None:
    rows = [row.route for row in ROWS]
    assert sorted(rows) == sorted(operations(document))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.route)
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.asyncio(loop_scope="module")
async def test_everybody_gets_what_is_due_to_them(
    row: Row, name: str, worlds: Worlds, document: dict[str, Any]
) -> None:
    world, needed = worlds[name], scope_of(operations(document)[row.route])
    due = row.expected(world)
    got = {role: await ask(row, world, role, needed) for role in due}
    assert not {str(role): f"{got[role]}, not {due[role]}" for role in due if got[role] != due[role]}


async def ask(row: Row, world: World, role: Role, needed: str) -> int:
    things = {**world.things, **await row.prepare(world, role)}
    token = await world.token(role, needed)
    body = row.body(things) if callable(row.body) else row.body
    answer = await send(world.http, row.method, (row.path + row.query).format_map(things), token, body)
    if row.alters and answer.is_success:
        world.forget(role)
    if answer.status_code == 403 and role is Role.APP and needed:
        assert answer.json()["type"] == "/problems/insufficient-scope", answer.text
    return answer.status_code
