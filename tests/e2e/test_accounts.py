"""An account's address, password and username on a whole system, with the letters that arrive."""

import asyncio
import re
import secrets
from typing import Any

import httpx
from devstack.testing import Stack
from kit.testing import eventually
from support.rest import PASSWORD, Person, assert_problem, join

NEW_PASSWORD = "tropical storm over lisbon"


async def letter(stack: Stack, recipient: str, subject: str, *, after: int = 0) -> dict[str, Any]:
    """The newest letter of this subject, once there are more of it than `after`."""

    async def arrived() -> dict[str, Any] | None:
        found = await asyncio.to_thread(stack.mails, recipient)
        matching = [one for one in found if one["subject"] == subject]
        return matching[0] if len(matching) > after else None

    return await eventually(arrived, timeout=20)


def token_of(mail: dict[str, Any], page: str) -> str:
    """Of the link, which is the same in both forms of the letter."""
    links = [re.findall(rf"(http\S+/{page})#token=([\w-]+)", mail[kind]) for kind in ("text", "html")]
    assert links[0] == links[1]
    ((_, token),) = links[0]
    return token


async def log_in(http: httpx.AsyncClient, login: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/v1/sessions", json={"login": login, "password": password})


async def post(http: httpx.AsyncClient, path: str, **body: str) -> httpx.Response:
    return await http.post(path, json=body)


async def verified(http: httpx.AsyncClient, stack: Stack, person: Person) -> str:
    """Its address, confirmed by the letter that came."""
    address = f"{person.username}@example.org"
    token = token_of(await letter(stack, address, "Confirm your e-mail address"), "account/verify-email")
    (await post(http, "/v1/accounts/verify-email", token=token)).raise_for_status()
    return address


async def test_a_new_account_confirms_its_address_by_the_link_of_a_letter(http: httpx.AsyncClient, stack: Stack):
    anna = await join(http, "anna")
    address = f"{anna.username}@example.org"
    assert (await anna.get("/v1/me")).json()["email_verified"] is False
    mail = await letter(stack, address, "Confirm your e-mail address")
    assert anna.username in mail["text"]
    token = token_of(mail, "account/verify-email")
    # What fetches links before people do gets a page, and uses nothing up.
    page = await http.get(re.findall(r"http\S+#token", mail["text"])[0].removesuffix("#token"))
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (await post(http, "/v1/accounts/verify-email", token=token)).status_code == 204
    assert (await anna.get("/v1/me")).json()["email_verified"] is True
    again = await post(http, "/v1/accounts/verify-email", token=token)
    assert assert_problem(again, 422)["reason"] == "BAD_TOKEN"


async def test_a_letter_that_is_asked_for_again_replaces_the_one_before(http: httpx.AsyncClient, stack: Stack):
    anna = await join(http, "anna")
    address = f"{anna.username}@example.org"
    first = token_of(await letter(stack, address, "Confirm your e-mail address"), "account/verify-email")
    assert (await post(http, "/v1/accounts/resend-verification", email=address)).status_code == 202
    second = token_of(await letter(stack, address, "Confirm your e-mail address", after=1), "account/verify-email")
    assert_problem(await post(http, "/v1/accounts/verify-email", token=first), 422)
    assert (await post(http, "/v1/accounts/verify-email", token=second)).status_code == 204


async def test_an_address_changes_by_the_letter_to_the_new_one(http: httpx.AsyncClient, stack: Stack):
    anna = await join(http, "anna")
    old, new = await verified(http, stack, anna), f"{anna.username}@new.example"
    wrong = await anna.post("/v1/me/email", {"email": new, "password": "wrong horse"})
    assert assert_problem(wrong, 401)["reason"] == "BAD_CREDENTIALS"
    assert (await anna.post("/v1/me/email", {"email": new, "password": PASSWORD})).status_code == 202
    assert (await letter(stack, old, "Your e-mail address is about to change"))["to"] == [old]
    token = token_of(await letter(stack, new, "Confirm your new e-mail address"), "account/verify-email")
    assert (await anna.get("/v1/me")).json()["email"] == old
    assert (await post(http, "/v1/accounts/verify-email", token=token)).status_code == 204
    me = (await anna.get("/v1/me")).json()
    assert (me["email"], me["email_verified"]) == (new, True)
    await letter(stack, old, "Your e-mail address has changed")
    assert (await log_in(http, new)).status_code == 201
    assert_problem(await log_in(http, old), 401)


async def test_a_forgotten_password_is_set_anew_and_everybody_is_out(http: httpx.AsyncClient, stack: Stack):
    anna = await join(http, "anna")
    address = await verified(http, stack, anna)
    known = await post(http, "/v1/password/forgot", email=address)
    unknown = await post(http, "/v1/password/forgot", email=f"{secrets.token_hex(6)}@example.org")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    token = token_of(await letter(stack, address, "Set a new password"), "account/reset-password")
    weak = await post(http, "/v1/password/reset", token=token, password="password1")
    assert [error["pointer"] for error in assert_problem(weak, 422)["errors"]] == ["/password"]
    done = await post(http, "/v1/password/reset", token=token, password=NEW_PASSWORD)
    assert (done.status_code, done.content) == (204, b"")
    assert_problem(await post(http, "/v1/password/reset", token=token, password=NEW_PASSWORD), 422)
    assert_problem(await log_in(http, address), 401)
    assert_problem(await post(http, "/v1/sessions/refresh", refresh_token=anna.refresh_token), 401)

    async def access_token_is_dead() -> bool:
        return (await anna.get("/v1/me")).status_code == 401

    await eventually(access_token_is_dead, timeout=2)
    assert (await log_in(http, address, NEW_PASSWORD)).status_code == 201
    await letter(stack, address, "Your password has been set anew")


async def test_a_changed_password_leaves_the_own_session_alone(http: httpx.AsyncClient, stack: Stack):
    anna = await join(http, "anna")
    other = (await log_in(http, anna.username)).json()["refresh_token"]
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await anna.post("/v1/me/password", body)).status_code == 204
    assert_problem(await post(http, "/v1/sessions/refresh", refresh_token=other), 401)
    assert (await post(http, "/v1/sessions/refresh", refresh_token=anna.refresh_token)).status_code == 200
    await letter(stack, f"{anna.username}@example.org", "Your password has been changed")


async def test_registering_with_an_address_of_somebody_tells_its_owner_alone(http: httpx.AsyncClient, stack: Stack):
    anna = await join(http, "anna")
    address = await verified(http, stack, anna)
    stranger = f"stranger_{secrets.token_hex(4)}"
    body = {"username": stranger, "email": address, "password": NEW_PASSWORD, "name": ""}
    made = await http.post("/v1/accounts", json=body)
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["email_verified"]) == (address, False)
    assert f"@{stranger}" in (await letter(stack, address, "Your e-mail address was named again"))["text"]


async def test_a_former_username_leads_to_the_new_one_and_mentions_find_it(http: httpx.AsyncClient, stack: Stack):
    anna, ben = await join(http, "anna"), await join(http, "ben")
    new = f"renamed_{secrets.token_hex(4)}"
    changed = await http.put("/v1/me/username", json={"username": new}, headers=anna.headers)
    assert (changed.status_code, changed.json()["username"]) == (200, new)
    moved = await http.get(f"/v1/users/{anna.username}")
    assert (moved.status_code, moved.headers["location"]) == (308, f"/v1/users/{new}")
    assert (await http.get(f"/v1/users/{anna.username}", follow_redirects=True)).json()["id"] == anna.id
    body = {"username": anna.username, "email": "x@example.org", "password": PASSWORD}
    assert assert_problem(await http.post("/v1/accounts", json=body), 409)["reason"] == "USERNAME_TAKEN"
    post_ = await ben.publish(caption=f"with @{anna.username} and @{new}")
    assert {mention["id"] for mention in post_["mentions"]} == {anna.id}
    back = await http.put("/v1/me/username", json={"username": anna.username}, headers=anna.headers)
    assert back.status_code == 200
    await letter(stack, f"{anna.username}@example.org", "Your username has been changed", after=1)
