"""The operators' command line before a whole system, of whose views some are lost."""

import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.processes import SERVICES
from devstack.testing import Stack
from kit.testing import eventually
from redis.asyncio import Redis
from support.rest import PASSWORD, Person, join

Helio = Callable[..., Awaitable[Any]]


@pytest.fixture
def helio(stack: Stack) -> Helio:
    targets = {f"HELIOGRAPH_{name.upper()}_TARGET": stack.address(name) for name in SERVICES}

    async def run(*arguments: str, given: str = "") -> Any:
        """What it answers, read from JSON."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "helio",
            *arguments,
            "--json",
            env=targets | {"HELIOGRAPH_OPERATOR": "grace"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(given.encode())
        assert process.returncode == 0, err.decode()
        return json.loads(out)

    return run


async def test_the_first_admin_of_a_new_system(http: httpx.AsyncClient, helio: Helio):
    name = (await join(http, "root")).username + "s"
    made = await helio(
        "admin", "create", name, "--email", f"{name}@example.org", "--password-stdin", given=PASSWORD + "\n"
    )
    assert made["role"] == "admin"
    answer = await http.post("/v1/sessions", json={"login": name, "password": PASSWORD})
    token = answer.raise_for_status().json()["access_token"]
    member = await join(http, "member")
    body, headers = {"reason": "a test"}, {"Authorization": f"Bearer {token}"}
    path = f"/v1/admin/users/{member.id}/suspend"
    assert (await http.post(path, json=body, headers=headers)).json()["state"] == "suspended"
    assert (await helio("user", "restore", member.username, "--reason", "a mistake"))["state"] == "active"
    trail = await helio("audit", "--about", member.id)
    assert [(entry["action"], entry["actor"]) for entry in trail] == [
        ("user.restore", "operator:grace"),
        ("user.suspend", f"account:{made['id']}"),
    ]


async def test_a_new_key_is_made_and_that_is_recorded(stack: Stack, helio: Helio, tmp_path: Path):
    # A copy: other tests of this system sign with its one key.
    folder = shutil.copytree(stack.root / "secrets" / "token-keys", tmp_path / "token-keys")
    (old,) = await helio("keys", "list")
    done = (await helio("keys", "rotate", "--reason", "yearly", "--dir", str(folder)))["done"]
    assert {path.stem for path in folder.glob("*.json")} == {old["kid"], done.split()[0]}
    (act,) = await helio("audit", "--most", "1")
    assert (act["action"], act["actor"], act["reason"]) == ("keys.rotate", "operator:grace", "yearly")


@pytest.fixture
async def redis(stack: Stack) -> Any:
    url = (stack.root / "secrets" / "post" / "heliograph_redis_url").read_text()
    async with Redis.from_url(url) as client:
        yield client


async def test_views_that_were_lost_are_built_anew(http: httpx.AsyncClient, helio: Helio, redis: Any):
    author, reader = await join(http, "author"), await join(http, "reader")
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    post = (await author.publish(caption="rebuilt"))["id"]
    await eventually(lambda: _in_feed(reader, post), timeout=30)
    (await reader.put(f"/v1/posts/{post}/like")).raise_for_status()
    await redis.hset(f"post:counts:{{{post}}}", "likes", 77)
    await redis.hset(f"graph:counts:{{{author.id}}}", "followers", 77)
    assert (await helio("rebuild", "feed", "--user", reader.username, "--reason", "a test"))["timelines"] == 1
    counted = await helio("rebuild", "counters")
    assert counted["post counts"] >= 1
    found = await helio("rebuild", "search")
    assert (found["search users"] >= 2, found["search posts"] >= 1) == (True, True)
    assert await reader.feed() == [post]
    await eventually(lambda: _counts_are_right(reader, author, post), timeout=20)
    await eventually(lambda: _found(reader, author), timeout=20)
    acts = [entry["action"] for entry in await helio("audit", "--most", "3")]
    assert acts == ["search.rebuild", "counters.rebuild", "feed.rebuild"]


async def _in_feed(reader: Person, post: str) -> bool:
    return post in await reader.feed()


async def _counts_are_right(reader: Person, author: Person, post: str) -> bool:
    likes = (await reader.get(f"/v1/posts/{post}")).raise_for_status().json()["counts"]["likes"]
    followers = (await reader.get(f"/v1/users/{author.username}")).raise_for_status().json()["counts"]["followers"]
    return (likes, followers) == (1, 1)


async def _found(reader: Person, author: Person) -> bool:
    answer = (await reader.get("/v1/search", q=author.username, type="users")).raise_for_status().json()
    return author.id in [item["user"]["id"] for item in answer["items"]]


async def test_feeds_are_compared_with_their_definition(http: httpx.AsyncClient, helio: Helio, stack: Stack):
    author, reader = await join(http, "author"), await join(http, "reader")
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    posts = [(await author.publish())["id"] for _ in range(3)]

    async def all_there() -> bool:
        return set(posts) <= set(await reader.feed())

    await eventually(all_there, timeout=30)
    whole = await helio("feed", "verify", "--user", reader.id)
    assert (whole["feeds"], whole["posts"], whole["wrong"]) == (1, 3, 0)
    sampled = await helio("feed", "verify", "--sample", "3", "--seed", "5")
    assert (sampled["feeds"], sampled["wrong"], sampled["seed"]) == (3, 0, 5)
