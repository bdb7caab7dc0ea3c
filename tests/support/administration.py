"""Operators of a system under test."""

from dataclasses import replace

import asyncpg
from devstack.testing import Stack

from support.rest import PASSWORD, Person


async def make_admin(stack: Stack, person: Person) -> Person:
    """The same person as an administrator, logged in anew: a token says what one may do when it is made."""
    dsn = (stack.root / "secrets" / "user" / "heliograph_postgres_dsn").read_text()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("update accounts set role = 3 where user_id = $1", int(person.id))
    finally:
        await connection.close()
    answer = await person.http.post("/v1/sessions", json={"login": person.username, "password": PASSWORD})
    tokens = answer.raise_for_status().json()
    return replace(person, access_token=tokens["access_token"], refresh_token=tokens["refresh_token"])
