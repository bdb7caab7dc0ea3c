"""What people set is heeded by whoever serves it: comments, mentions, notifications, search. And pictures show."""

import io
import secrets

import httpx
import pytest
from kit.testing import eventually
from PIL import Image
from support.rest import Json, Person, assert_problem, join, photo


async def say(person: Person, post_id: str, text: str = "nice") -> httpx.Response:
    return await person.post(f"/v1/posts/{post_id}/comments", {"text": text})


async def set_to(person: Person, **settings: object) -> Json:
    return (await person.patch("/v1/me/settings", settings)).raise_for_status().json()


async def told(person: Person) -> list[str]:
    """Kinds of what the person was notified of, newest first."""
    answer = (await person.get("/v1/notifications", limit=100)).raise_for_status().json()
    return [item["kind"] for item in answer["items"]]


@pytest.fixture
async def ada(http: httpx.AsyncClient) -> Person:
    return await join(http, "ada")


@pytest.fixture
async def friend(http: httpx.AsyncClient, ada: Person) -> Person:
    """Whom Ada follows."""
    friend = await join(http, "friend")
    (await ada.put(f"/v1/users/{friend.id}/follow")).raise_for_status()
    return friend


async def published(person: Person) -> str:
    post = await person.publish()

    async def shown() -> bool:
        return (await person.http.get(f"/v1/posts/{post['id']}")).status_code == 200

    await eventually(shown, timeout=30)
    return post["id"]


async def test_doors_are_kept_from_the_next_request_on(http: httpx.AsyncClient, ada: Person, friend: Person):
    stranger = await join(http, "stranger")
    post = await published(ada)
    assert (await say(stranger, post)).status_code == 201
    await set_to(ada, comments_from="following", mentions_from="following")
    assert assert_problem(await say(stranger, post), 403)["reason"] == "COMMENTS_NOT_ALLOWED"
    assert (await say(friend, post)).status_code == 201
    theirs = await published(stranger)
    text = f"look, @{ada.username}"
    assert (await say(stranger, theirs, text)).json()["mentions"] == []
    assert [one["id"] for one in (await say(friend, theirs, text)).json()["mentions"]] == [ada.id]


async def test_only_what_somebody_wants_to_hear_of_is_told(http: httpx.AsyncClient, ada: Person, friend: Person):
    stranger = await join(http, "stranger")
    await set_to(ada, notifications={"like": "off", "comment": "following"})
    post = await published(ada)
    for person in (stranger, friend):
        (await person.put(f"/v1/posts/{post}/like")).raise_for_status()
        (await say(person, post)).raise_for_status()
    (await stranger.put(f"/v1/users/{ada.id}/follow")).raise_for_status()

    async def both() -> bool:
        return {"follow", "comment"} <= set(await told(ada))

    await eventually(both, timeout=30)
    items = (await ada.get("/v1/notifications")).json()["items"]
    assert {(item["kind"], item["actors"][0]["id"]) for item in items} == {
        ("follow", stranger.id),
        ("comment", friend.id),
    }
    assert (await ada.get("/v1/notifications/unread-count")).json() == {"count": 2}


async def test_who_wants_not_to_be_found_is_found_by_themselves_alone(http: httpx.AsyncClient):
    word = f"q{secrets.token_hex(5)}"
    hidden, seeker = await join(http, word), await join(http, "seeker")

    async def found(person: Person) -> list[str]:
        answer = (await person.get("/v1/search", q=word, type="users")).raise_for_status().json()
        return [item["user"]["id"] for item in answer["items"]]

    async def is_found() -> bool:
        return await found(seeker) == [hidden.id]

    await eventually(is_found, timeout=30)
    assert (await set_to(hidden, discoverable=False))["discoverable"] is False
    assert await found(seeker) == []
    assert await found(hidden) == [hidden.id]
    assert (await seeker.get(f"/v1/users/{hidden.username}")).status_code == 200


async def test_a_picture_shows_wherever_its_owner_does_and_goes(http: httpx.AsyncClient, ada: Person):
    post = await published(ada)
    headers = {**ada.headers, "Content-Type": "image/jpeg"}
    answer = await http.put("/v1/me/avatar", content=photo(900, 600), headers=headers)
    account = answer.raise_for_status().json()
    for shown in (
        (await http.get(f"/v1/posts/{post}")).json()["author"],
        (await http.get(f"/v1/users/{ada.username}")).json(),
        (await say(ada, post)).json()["author"],
    ):
        assert (shown["avatar_url"], shown["avatar"]) == (account["avatar_url"], account["avatar"])
    for variant in account["avatar"]["variants"]:
        for kind in ("webp", "jpeg"):
            file = (await http.get(variant[kind])).raise_for_status()
            assert file.headers["content-type"] == f"image/{kind}"
            assert Image.open(io.BytesIO(file.content)).size == (variant["size"], variant["size"])
    refused = await http.put("/v1/me/avatar", content=b"no picture", headers=headers)
    assert assert_problem(refused, 422)["reason"] == "NOT_AN_IMAGE"
    assert (await ada.delete("/v1/me/avatar")).status_code == 204
    assert (await http.get(f"/v1/users/{ada.username}")).json()["avatar"] is None
    assert (await http.get(account["avatar_url"])).status_code == 404
