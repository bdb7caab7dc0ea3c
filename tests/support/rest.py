"""People who use the REST API: raw answers, no retries, so that tests see what a client sees."""

import hashlib
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

Json = dict[str, Any]
PASSWORD = "correct horse battery staple"


def photo(width: int = 640, height: int = 480, color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "JPEG")
    return out.getvalue()


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in."""

    http: httpx.AsyncClient
    id: str
    username: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    async def get(self, path: str, headers: Mapping[str, str] | None = None, **params: str | int) -> httpx.Response:
        return await self.http.get(path, params=params or None, headers={**self.headers, **(headers or {})})

    async def put(self, path: str) -> httpx.Response:
        return await self.http.put(path, headers=self.headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=self.headers)

    async def post(self, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return await self.http.post(path, json=body, headers=headers)

    async def patch(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.http.patch(path, json=body, headers={**self.headers, **(headers or {})})

    async def announce(self, data: bytes, **changes: object) -> httpx.Response:
        body: Json = {
            "kind": "image",
            "content_type": "image/jpeg",
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        return await self.post("/v1/media", {**body, **changes})

    async def upload(self, data: bytes) -> str:
        """Announced, sent and completed; answers the medium's id, whose processing may not be done."""
        media = (await self.announce(data)).raise_for_status().json()
        await send(media["upload"], data)
        (await self.post(f"/v1/media/{media['id']}/complete")).raise_for_status()
        return media["id"]

    async def publish(self, data: bytes | None = None, **fields: object) -> Json:
        media_id = await self.upload(data or photo(color=f"#{secrets.token_hex(3)}"))
        answer = await self.post("/v1/posts", {"media_ids": [media_id], **fields})
        return answer.raise_for_status().json()

    async def feed(self) -> list[str]:
        """Ids of the first page of the home feed."""
        answer = (await self.get("/v1/me/feed", limit=100)).raise_for_status().json()
        return [item["id"] for item in answer["items"]]

    async def media_state(self, media_id: str) -> str:
        return (await self.get(f"/v1/media/{media_id}")).raise_for_status().json()["state"]


async def send(target: Json, data: bytes) -> httpx.Response:
    """Upload as the presigned target says."""
    async with httpx.AsyncClient(timeout=30) as http:
        if target["method"] == "POST":
            return await http.post(target["url"], data=target.get("fields", {}), files={"file": data})
        return await http.put(target["url"], headers=target.get("headers", {}), content=data)


async def join(http: httpx.AsyncClient, name: str = "") -> Person:
    """Registers and logs in somebody new."""
    username = f"{name or 'user'}_{secrets.token_hex(4)}"
    body = {"username": username, "email": f"{username}@example.org", "password": PASSWORD, "name": name.title()}
    account = (await http.post("/v1/accounts", json=body)).raise_for_status().json()
    session = (await http.post("/v1/sessions", json={"login": username, "password": PASSWORD})).raise_for_status()
    tokens = session.json()
    return Person(http, account["id"], username, tokens["access_token"], tokens["refresh_token"])


def assert_problem(answer: httpx.Response, status: int) -> Json:
    """Every refusal is an RFC 9457 document with the fields that API.md promises."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "instance", "trace_id"} <= problem.keys()
    return problem
