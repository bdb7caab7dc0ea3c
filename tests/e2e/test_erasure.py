"""An account that left something everywhere takes its data along, is hidden at once, and leaves nothing behind."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.erasure.check import look, marks_of
from devstack.erasure.findings import Finding, left
from devstack.erasure.marks import Marks
from devstack.testing import Stack
from kit.testing import eventually
from support.rest import PASSWORD, Json, Person, assert_problem, join, photo
from support.system import UNLIMITED
from support.traces import Scene, scene_of

# Everything is asked of its owner when it is read and hides at once, but for what lies in storage and in the index.
FOLLOWS = {"file", "file of no post", "tag search"}


@asynccontextmanager
async def short_grace(stack: Stack, seconds: int, marker: Path) -> AsyncGenerator[None]:
    """Deletions can be called off for that long, and the worker dies once while it erases."""
    told = {"HELIOGRAPH_DELETION_GRACE_SECONDS": str(seconds)}
    await restart(stack, "user", {**UNLIMITED.get("user", {}), **told})
    hurried = {"HELIOGRAPH_LIFECYCLE_LEASE_SECONDS": "2", "HELIOGRAPH_LIFECYCLE_POLL_SECONDS": "0.2"}
    await restart(stack, "user-worker", {**hurried, "HELIOGRAPH_FAULT": f"erasure_after_post:{marker}"})
    try:
        yield
    finally:
        await restart(stack, "user", UNLIMITED.get("user", {}))
        await restart(stack, "user-worker", {})


async def restart(stack: Stack, name: str, environment: dict[str, str]) -> None:
    """Until the gateway has found the process again: it does not try all the time."""
    await asyncio.to_thread(stack.stop, name)
    await asyncio.to_thread(stack.start, name, environment)
    async with httpx.AsyncClient(base_url=stack.url, timeout=15) as http:

        async def reached() -> bool:
            return (await http.get("/v1/users/nobody_at_all")).status_code == 404

        await eventually(reached, timeout=30)


async def all_shown(scene: Scene) -> bool:
    return all((await scene.shown()).values())


async def all_hidden(scene: Scene) -> bool:
    return not any((await scene.shown()).values())


async def furnish(scene: Scene) -> None:
    """More that an account leaves: a picture, blocks, mutes and close friends, and what others say below its post."""
    actor, host, reader = scene.actor, scene.host, scene.reader
    stranger = await join(scene.http, "stranger")
    headers = {**actor.headers, "Content-Type": "image/jpeg"}
    (await scene.http.put("/v1/me/avatar", content=photo(600, 600), headers=headers)).raise_for_status()
    (await actor.put(f"/v1/me/close-friends/{reader.id}")).raise_for_status()
    (await actor.put(f"/v1/users/{stranger.id}/block")).raise_for_status()
    (await host.put(f"/v1/users/{actor.id}/mute")).raise_for_status()
    (await host.delete(f"/v1/users/{actor.id}/mute")).raise_for_status()
    for person in (host, reader):
        await person.post(f"/v1/posts/{scene.post}/comments", {"text": f"well said, @{actor.username}"})
    (await reader.put(f"/v1/posts/{scene.post}/like")).raise_for_status()
    await actor.get("/v1/me/feed")
    await actor.get("/v1/me/feed?order=top")
    (await actor.post("/v1/me/feed/seen", {"post_ids": [scene.hosts_post]})).raise_for_status()


async def delete(person: Person, password: str = PASSWORD) -> httpx.Response:
    return await person.http.request("DELETE", "/v1/me", json={"password": password}, headers=person.headers)


async def log_in(person: Person, *, cancel_deletion: bool = False) -> httpx.Response:
    body = {"login": person.username, "password": PASSWORD, "cancel_deletion": cancel_deletion}
    return await person.http.post("/v1/sessions", json=body)


async def exported(person: Person) -> dict[str, bytes]:
    answer = await person.post("/v1/me/export")
    assert answer.status_code == 202, answer.text

    async def ready() -> Json | None:
        export = (await person.get("/v1/me/export")).raise_for_status().json()
        return export if export["state"] == "ready" else None

    export: Any = await eventually(ready, timeout=30)
    async with httpx.AsyncClient(timeout=30) as storage:
        archive = (await storage.get(export["link"])).raise_for_status()
    assert archive.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as unpacked:
        assert unpacked.testzip() is None
        return {name: unpacked.read(name) for name in unpacked.namelist()}


async def findings(stack: Stack, marks: Marks) -> list[Finding]:
    return await asyncio.to_thread(look, stack.stores, marks)


async def wrong(stack: Stack, marks: Marks) -> list[Finding]:
    return left(await findings(stack, marks))


@pytest.fixture
async def scene(http: httpx.AsyncClient) -> Scene:
    made = await scene_of(http)
    await eventually(lambda: all_shown(made), timeout=30)
    await furnish(made)
    return made


async def test_an_account_takes_its_data_along_and_leaves_nothing_behind(stack: Stack, scene: Scene, tmp_path: Path):
    actor, email = scene.actor, f"{scene.actor.username}@example.org"
    marks = await asyncio.to_thread(marks_of, stack.stores, actor.id)
    assert marks.texts == (actor.username, email)

    files = await exported(actor)
    assert [post["id"] for post in json.loads(files["post/posts.json"])] == [scene.post]
    assert [comment["text"] for comment in json.loads(files["post/comments.json"])] == ["hello"]
    assert [like["post_id"] for like in json.loads(files["post/likes.json"])] == [scene.hosts_post]
    assert [edge["user_id"] for edge in json.loads(files["graph/following.json"])] == [scene.host.id]
    assert [edge["user_id"] for edge in json.loads(files["graph/followers.json"])] == [scene.reader.id]
    assert json.loads(files["account/accounts.json"])[0]["email"] == email
    assert len([name for name in files if name.startswith("post/media/")]) == 2
    assert photo(color="red") in files.values()
    assert json.loads(files["notify/notifications.json"])
    assert not json.loads(files["about.json"])["missing"]

    # So that a check that finds nothing says something.
    before = {finding.place.partition(" ")[0] for finding in await wrong(stack, marks)}
    assert before == {"postgres", "cassandra", "redis", "elasticsearch", "bucket"}

    # Hidden at once, called off, and back again.
    assert_problem(await delete(actor, "not the password"), 401)
    assert (await delete(actor)).status_code == 202
    shown = {name for name, seen in (await scene.shown()).items() if seen}
    assert shown <= FOLLOWS
    assert assert_problem(await log_in(actor), 403)["reason"] == "ACCOUNT_DELETION_PENDING"
    letters = await eventually(lambda: subjects(stack, email), timeout=15)
    assert letters
    back = await log_in(actor, cancel_deletion=True)
    assert back.status_code == 201, back.text
    actor = replace(actor, access_token=back.json()["access_token"])
    without_files = replace(scene, actor=actor, files={})
    await eventually(lambda: all_shown(without_files), timeout=30)

    async with short_grace(stack, 3, tmp_path / "died"):
        assert (await delete(actor)).status_code == 202
        await eventually(lambda: all_hidden(scene), timeout=60)

        async def nothing_left() -> bool:
            return not await wrong(stack, marks)

        await eventually(nothing_left, timeout=90)
    assert (tmp_path / "died").exists()
    assert_problem(await log_in(actor), 401)

    # Others have what is theirs.
    post = (await scene.host.get(f"/v1/posts/{scene.hosts_post}")).raise_for_status().json()
    assert post["counts"] == {"likes": 0, "comments": 0}
    assert (await scene.http.get(post["media"][0]["variants"][0]["url"])).status_code == 200
    counts = [(await person.get("/v1/me")).json()["counts"] for person in (scene.host, scene.reader)]
    assert counts == [
        {"posts": 1, "followers": 0, "following": 0},
        {"posts": 0, "followers": 0, "following": 0},
    ]
    free = {"username": actor.username, "email": email, "password": PASSWORD}
    assert (await scene.http.post("/v1/accounts", json=free)).status_code == 201


async def subjects(stack: Stack, email: str) -> list[str]:
    mails = await asyncio.to_thread(stack.mails, email)
    return [mail["subject"] for mail in mails if mail["subject"] == "Your account will be deleted"]
