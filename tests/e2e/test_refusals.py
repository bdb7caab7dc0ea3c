"""What is refused leaves no row behind, in whichever service it was refused; and a token is good for its time only."""

import hashlib
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from devstack.processes import DATABASES
from devstack.testing import Stack
from kit.testing import eventually
from support.rest import PASSWORD, Person, assert_problem, join
from support.tokens import claims_of, token

# What the relay, flushes and workers write when they come to it says nothing of a request.
IN_THEIR_OWN_TIME = {
    "outbox", "originals", "account_counts", "post_counts", "comment_counts", "relation_cache_switch",
}  # fmt: skip

TEXT_SHA256 = hashlib.sha256(b"text").hexdigest()
ACCOUNT = {"username": "half_made", "email": "half@example.org", "password": PASSWORD, "name": "Half"}
MEDIUM = {"kind": "image", "content_type": "image/jpeg", "bytes": 4, "sha256": TEXT_SHA256}


@dataclass(frozen=True)
class Rows:
    """The databases of a stack."""

    connections: list["asyncpg.Connection[asyncpg.Record]"]

    async def counted(self) -> Counter[str]:
        """Rows of each table, those left out that are written in the background."""
        found: Counter[str] = Counter()
        for number, connection in enumerate(self.connections):
            tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            for name in {row["tablename"] for row in tables} - IN_THEIR_OWN_TIME:
                found[f"{DATABASES[number]}.{name}"] = await connection.fetchval(f'select count(*) from "{name}"')
        return found


@pytest.fixture
async def rows(stack: Stack) -> AsyncGenerator[Rows]:
    files = [stack.root / "secrets" / service / "heliograph_postgres_dsn" for service in DATABASES]
    rows = Rows([await asyncpg.connect(file.read_text()) for file in files])
    yield rows
    for connection in rows.connections:
        await connection.close()


@pytest.fixture
async def author(http: httpx.AsyncClient) -> Person:
    """With a post whose media is ready: nothing of it is written any more."""
    author = await join(http)
    post = await author.publish(caption="whole")

    async def ready() -> bool:
        return await author.media_state(post["media"][0]["id"]) == "ready"

    await eventually(ready, timeout=30)
    return author


def refused_posts(post_id: str) -> list[tuple[str, object]]:
    comments = f"/v1/posts/{post_id}/comments"
    return [
        ("/v1/accounts", {**ACCOUNT, "username": 7}),
        ("/v1/accounts", {**ACCOUNT, "admin": True}),
        ("/v1/accounts", {**ACCOUNT, "email": "nowhere"}),
        ("/v1/accounts", {**ACCOUNT, "password": "short"}),
        ("/v1/sessions", {"login": "half_made", "password": PASSWORD}),
        ("/v1/media", {**MEDIUM, "bytes": "4"}),
        ("/v1/media", {**MEDIUM, "bytes": 1 << 40}),
        ("/v1/media", {**MEDIUM, "sha256": "abc"}),
        ("/v1/media", {**MEDIUM, "content_type": "text/plain"}),
        ("/v1/media", {**MEDIUM, "public": True}),
        ("/v1/posts", {"media_ids": []}),
        ("/v1/posts", {"media_ids": ["1"]}),
        ("/v1/posts", {"media_ids": "1"}),
        ("/v1/posts", {"media_ids": ["1"], "author_id": "1"}),
        ("/v1/posts", {"media_ids": ["1"] * 21}),
        ("/v1/posts", {"media_ids": ["1"], "caption": "x" * 2_000_000}),
        (comments, {"text": ""}),
        (comments, {"text": 7}),
        (comments, {"text": "x" * 100_000}),
        (comments, {"text": "to nobody", "reply_to": "1"}),
        (comments, {"text": "as somebody", "author_id": "1"}),
    ]


async def test_what_is_refused_leaves_no_row(author: Person, rows: Rows):
    post_id = (await author.feed())[0]
    before = await rows.counted()
    assert before["post.posts"] >= 1
    for path, body in refused_posts(post_id):
        answer = await author.post(path, body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert_problem(answer, answer.status_code)
    for path in (f"/v1/users/{author.id}/follow", "/v1/users/1/follow", "/v1/users/1/block", "/v1/posts/1/like"):
        answer = await author.put(path)
        assert answer.status_code in {404, 422}, path
        assert_problem(answer, answer.status_code)
    assert await rows.counted() == before


async def test_an_accepted_request_does_leave_a_row(author: Person, rows: Rows):
    before = await rows.counted()
    (await author.post(f"/v1/posts/{(await author.feed())[0]}/comments", {"text": "whole"})).raise_for_status()
    assert await rows.counted() - before == Counter({"post.comments": 1})


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_a_token_that_expired_is_refused_and_changes_nothing(stack: Stack, author: Person, rows: Rows):
    claims = claims_of(author.access_token)
    good, expired = (token(stack.root, claims, expires_in=seconds) for seconds in (60, -60))
    post_id = (await author.feed())[0]
    before = await rows.counted()
    for method, path in (("GET", "/v1/me"), ("PUT", f"/v1/posts/{post_id}/like"), ("DELETE", f"/v1/posts/{post_id}")):
        answer = await author.http.request(method, path, headers={"Authorization": f"Bearer {expired}"})
        assert assert_problem(answer, 401)["reason"] == "TOKEN_EXPIRED"
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert await rows.counted() == before
    assert (await author.http.get("/v1/me", headers={"Authorization": f"Bearer {good}"})).status_code == 200
