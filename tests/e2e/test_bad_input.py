"""What is wrong gets a problem document that says so, and leaves nothing half-made."""

import hashlib
import struct
import zlib

import httpx
import pytest
from kit.testing import eventually
from support.rest import PASSWORD, Person, assert_problem, join, photo, send


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await join(http)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"username": 7, "email": "a@example.org", "password": PASSWORD, "name": "A"}, "/username"),
        ({"username": "bad name", "email": "a@example.org", "password": PASSWORD, "name": "A"}, "/username"),
        ({"username": "okname1", "email": "nowhere", "password": PASSWORD, "name": "A"}, "/email"),
        ({"username": "okname1", "email": "a@example.org", "password": "short", "name": "A"}, "/password"),
        ({"username": "okname1", "email": "a@example.org", "password": PASSWORD, "admin": True}, "/admin"),
        ({"username": "okname1", "email": "a@example.org"}, "/password"),
    ],
)
async def test_a_faulty_field_is_named(http: httpx.AsyncClient, body: dict[str, object], pointer: str):
    problem = assert_problem(await http.post("/v1/accounts", json=body), 422)
    assert pointer in {error["pointer"] for error in problem["errors"]}
    assert (await http.get("/v1/users/okname1")).status_code == 404


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"username": "\\ud800"}', b"[" * 20_000, b"nul\x00"])
async def test_a_broken_body_is_refused(http: httpx.AsyncClient, content: bytes):
    answer = await http.post("/v1/accounts", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code)


async def test_another_content_type_is_refused(http: httpx.AsyncClient):
    assert_problem(await http.post("/v1/accounts", content=b"x=1", headers={"Content-Type": "text/plain"}), 415)


async def test_an_oversized_body_is_refused_also_in_chunks(person: Person):
    big = b'{"caption": "' + b"x" * 5_000_000 + b'"}'

    async def chunks():
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    headers = {**person.headers, "Content-Type": "application/json"}
    assert_problem(await person.http.post("/v1/posts", content=big, headers=headers), 413)
    assert_problem(await person.http.post("/v1/posts", content=chunks(), headers=headers), 413)


async def test_unknown_routes_and_methods_are_problems(http: httpx.AsyncClient):
    assert_problem(await http.get("/v1/nothing"), 404)
    answer = await http.delete("/v1/accounts")
    assert_problem(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("id_", ["0", "-1", "x", "9" * 30, "1e3", "%00", "１"])
async def test_an_impossible_id_is_not_found_or_refused(person: Person, id_: str):
    answer = await person.get(f"/v1/posts/{id_}")
    assert answer.status_code in {404, 422}
    assert_problem(answer, answer.status_code)


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", ""])
async def test_a_limit_that_is_none_is_refused(person: Person, limit: str):
    assert_problem(await person.get("/v1/me/feed", limit=limit), 422)


async def test_a_cursor_of_another_list_person_or_making_is_refused(http: httpx.AsyncClient):
    author, other = await join(http), await join(http)
    for number in range(2):
        await author.publish(caption=str(number))
    cursor = (await author.get("/v1/me/feed", limit=1)).json()["next"]
    assert cursor
    assert (await author.get("/v1/me/feed", limit=1, cursor=cursor)).status_code == 200
    assert_problem(await other.get("/v1/me/feed", limit=1, cursor=cursor), 400)
    assert_problem(await author.get(f"/v1/users/{author.id}/posts", limit=1, cursor=cursor), 400)
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    assert_problem(await author.get("/v1/me/feed", limit=1, cursor=flipped), 400)


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
async def test_a_token_that_is_none_is_refused(http: httpx.AsyncClient, token: str):
    answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 401)
    assert "Bearer" in answer.headers["www-authenticate"]


async def test_a_session_that_ended_is_refused_within_a_second(person: Person):
    (await person.delete("/v1/sessions/current")).raise_for_status()

    async def refused() -> bool:
        return (await person.get("/v1/me")).status_code == 401

    await eventually(refused, timeout=1)


async def test_bytes_that_differ_from_what_was_announced_are_refused(person: Person):
    data = photo()
    media = (await person.announce(data, sha256=hashlib.sha256(b"other").hexdigest())).raise_for_status().json()
    await send(media["upload"], data)
    assert_problem(await person.post(f"/v1/media/{media['id']}/complete"), 422)
    assert await person.media_state(media["id"]) == "waiting"
    assert (await person.post("/v1/posts", {"media_ids": [media["id"]]})).status_code in {409, 422}
    assert await person.feed() == []


async def test_storage_itself_refuses_another_size(person: Person):
    media = (await person.announce(photo())).raise_for_status().json()
    headers = {k: v for k, v in media["upload"]["headers"].items() if k.lower() != "content-length"}
    assert (await send({**media["upload"], "headers": headers}, photo() + b"more")).status_code >= 400
    assert_problem(await person.post(f"/v1/media/{media['id']}/complete"), 409)


async def refused(person: Person, data: bytes, **announced: object) -> str:
    """Uploads and answers the reason of the refusal."""
    media = (await person.announce(data, **announced)).raise_for_status().json()
    await send(media["upload"], data)
    (await person.post(f"/v1/media/{media['id']}/complete")).raise_for_status()

    async def reason() -> str:
        state = (await person.get(f"/v1/media/{media['id']}")).json()
        assert state["state"] == "refused"
        return state["reason"]

    return await eventually(reason, timeout=30)


async def test_a_text_file_called_jpeg_is_refused(person: Person):
    assert await refused(person, b"Just words, no picture at all.\n" * 100)


async def test_half_a_photo_is_refused(person: Person):
    whole = photo(1200, 900)
    assert await refused(person, whole[: len(whole) // 2])


def bomb() -> bytes:
    """A small PNG that says it is 60,000 pixels wide and high: 3.6 gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_a_decompression_bomb_is_refused(person: Person):
    assert await refused(person, bomb(), content_type="image/png")


async def test_a_post_with_a_refused_medium_reaches_nobody(http: httpx.AsyncClient):
    author, reader = await join(http), await join(http)
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    bad = await author.upload(b"not a picture" * 10)

    async def is_refused() -> bool:
        return await author.media_state(bad) == "refused"

    await eventually(is_refused, timeout=30)
    assert (await author.post("/v1/posts", {"media_ids": [bad]})).status_code in {409, 422}
    good = await author.publish(photo())

    async def arrived() -> bool:
        return await reader.feed() == [good["id"]]

    await eventually(arrived, timeout=20)


async def test_anothers_medium_cannot_be_posted_or_seen(http: httpx.AsyncClient):
    owner, thief = await join(http), await join(http)
    media_id = await owner.upload(photo())
    assert_problem(await thief.get(f"/v1/media/{media_id}"), 404)
    assert (await thief.post("/v1/posts", {"media_ids": [media_id]})).status_code in {404, 422}
    assert await thief.feed() == []
