"""An account that is suspended, or asked for its deletion, is nowhere to be seen, and comes back whole."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from devstack.testing import Stack
from kit.testing import eventually
from support.administration import make_admin
from support.oauth import app_token
from support.rest import PASSWORD, Json, Person, assert_problem, join
from support.traces import Scene, scene_of

# Everything is asked of its owner when it is read and hides at once, but for what lies in storage and in the index.
FOLLOWS = {"file", "file of no post", "avatar", "tag search"}


@pytest.fixture
async def admin(stack: Stack, http: httpx.AsyncClient) -> Person:
    return await make_admin(stack, await join(http, "admin"))


async def act(admin: Person, person: Person, what: str) -> Json:
    answer = await admin.post(f"/v1/admin/users/{person.id}/{what}", {"reason": "a test"})
    return answer.raise_for_status().json()


async def suspend(admin: Person, person: Person) -> None:
    assert (await act(admin, person, "suspend"))["state"] == "suspended"


async def restore(admin: Person, person: Person) -> None:
    assert (await act(admin, person, "restore"))["state"] == "active"


async def ask_for_deletion(_admin: Person, person: Person) -> None:
    answer = await person.http.request("DELETE", "/v1/me", json={"password": PASSWORD}, headers=person.headers)
    assert answer.status_code == 202, answer.text


async def call_it_off(_admin: Person, person: Person) -> None:
    body = {"login": person.username, "password": PASSWORD, "cancel_deletion": True}
    (await person.http.post("/v1/sessions", json=body)).raise_for_status()


Change = Callable[[Person, Person], Awaitable[None]]


async def counts_of(scene: Scene) -> Json:
    return (await scene.reader.get(f"/v1/posts/{scene.hosts_post}")).raise_for_status().json()["counts"]


async def all_shown(scene: Scene) -> bool:
    return all((await scene.shown()).values())


async def all_hidden(scene: Scene) -> bool:
    return not any((await scene.shown()).values())


@pytest.mark.parametrize(("hide", "bring_back"), [(suspend, restore), (ask_for_deletion, call_it_off)])
async def test_all_of_the_account_hides_at_once_and_comes_back(
    http: httpx.AsyncClient, admin: Person, hide: Change, bring_back: Change
):
    scene = await scene_of(http)
    await eventually(lambda: all_shown(scene), timeout=30)
    counted = await counts_of(scene)
    await hide(admin, scene.actor)
    shown = {name for name, seen in (await scene.shown()).items() if seen}
    assert shown <= FOLLOWS
    await eventually(lambda: all_hidden(scene), timeout=60)
    assert await counts_of(scene) == counted  # likes and comments that hide stay counted
    assert (await scene.reader.put(f"/v1/posts/{scene.post}/like")).status_code == 404
    assert (await scene.reader.put(f"/v1/users/{scene.actor.id}/follow")).status_code == 404
    await bring_back(admin, scene.actor)
    avatar = replace(scene, files={"avatar": scene.files["avatar"]})
    await eventually(lambda: all_shown(avatar), timeout=30)
    await eventually(lambda: public_again(scene), timeout=60)
    # Old addresses of photos stay dead.
    assert not any([await scene.fetches(scene.files[name]) for name in ("file", "file of no post")])


async def public_again(scene: Scene) -> bool:
    post = (await scene.http.get(f"/v1/posts/{scene.post}")).raise_for_status().json()
    url = post["media"][0]["variants"][0]["url"]
    return "/media/p/" in url and await scene.fetches(url)


async def test_sessions_and_apps_of_a_suspended_account_end_within_a_second(http: httpx.AsyncClient, admin: Person):
    person = await join(http)
    assert (await person.get("/v1/me")).status_code == 200
    token = await app_token(person, ["read"])
    app = replace(person, access_token=token)
    assert (await app.get("/v1/me/feed")).status_code == 200
    await act(admin, person, "suspend")
    began = time.monotonic()

    async def refused() -> bool:
        statuses = {(await person.get("/v1/me")).status_code, (await app.get("/v1/me/feed")).status_code}
        return statuses == {401}

    await eventually(refused, timeout=5)
    assert time.monotonic() - began < 1
    answer = await http.post("/v1/sessions/refresh", json={"refresh_token": person.refresh_token})
    assert_problem(answer, 401)
    answer = await http.post("/v1/sessions", json={"login": person.username, "password": PASSWORD})
    assert assert_problem(answer, 403)["reason"] == "ACCOUNT_SUSPENDED"
    await act(admin, person, "restore")
    answer = await http.post("/v1/sessions", json={"login": person.username, "password": PASSWORD})
    assert answer.status_code == 201


async def test_an_admin_who_is_none_any_more_can_do_nothing_within_a_second(
    stack: Stack, http: httpx.AsyncClient, admin: Person
):
    deputy, member = await make_admin(stack, await join(http, "deputy")), await join(http)
    body = {"role": "member", "reason": "leaves the team"}
    path = f"/v1/admin/users/{deputy.id}/role"
    (await http.put(path, json=body, headers=admin.headers)).raise_for_status()
    # The role is looked up in each call: there is not even that second.
    assert (await deputy.post(f"/v1/admin/users/{member.id}/suspend", {"reason": "revenge"})).status_code in {401, 403}
    assert (await deputy.get("/v1/admin/users")).status_code in {401, 403}
    trail = (await admin.get("/v1/admin/audit", user_id=deputy.id)).raise_for_status().json()["items"]
    assert [(entry["action"], entry["actor"], entry["reason"]) for entry in trail] == [
        ("user.set_role", f"account:{admin.id}", "leaves the team")
    ]
