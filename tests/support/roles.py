"""Everybody who may stand before a route: who they are to the account that the route is about, the subject."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx
from kit.testing import eventually

from support.oauth import app_token
from support.rest import Json, Person, join
from support.traces import file_of


class Role(StrEnum):
    """`blocked` is whom the subject blocks, `blocker` who blocks the subject. `app` is an app of other people's that
    the follower lets in, without the scope that the route asks for."""

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    FOLLOWER = "follower"
    REQUESTED = "requested"
    BLOCKED = "blocked"
    BLOCKER = "blocker"
    OWNER = "owner"
    SUSPENDED = "suspended"
    ADMIN = "admin"
    APP = "app"


@dataclass
class World:
    """One subject with what it owns, and somebody in each role. `scopes` are all that an app can be granted."""

    http: httpx.AsyncClient
    admin: Person
    private: bool
    scopes: frozenset[str]
    subject: Person
    things: dict[str, str]
    """What the paths' parameters stand for."""
    actors: dict[Role, Person] = field(default_factory=dict[Role, Person])
    app_tokens: dict[str, str] = field(default_factory=dict[str, str])

    async def actor(self, role: Role) -> Person:
        """Somebody in the role, who has nothing of their own yet."""
        if role is Role.OWNER:
            return self.subject
        if role is Role.ADMIN:
            return self.admin
        if role not in self.actors:
            self.actors[role] = await self._make(role)
        return self.actors[role]

    def forget(self, role: Role) -> None:
        """For one whose standing a request has changed: the next request meets somebody new."""
        self.actors.pop(role, None)
        if role is Role.FOLLOWER:
            self.app_tokens.clear()

    async def token(self, role: Role, needed: str) -> str | None:
        """An access token; None for who has none. An app gets every scope but the one needed."""
        if role is Role.ANONYMOUS:
            return None
        if role is not Role.APP:
            return (await self.actor(role)).access_token
        if needed not in self.app_tokens:
            follower = await self.actor(Role.FOLLOWER)
            self.app_tokens[needed] = await app_token(follower, sorted(self.scopes - {needed}))
        return self.app_tokens[needed]

    async def _make(self, role: Role) -> Person:
        person = await join(self.http, str(role))
        follow = f"/v1/users/{self.subject.id}/follow"
        if role is Role.FOLLOWER:
            (await person.put(follow)).raise_for_status()
            if self.private:
                (await self.subject.put(f"/v1/me/follow-requests/{person.id}/accept")).raise_for_status()
        elif role is Role.REQUESTED:
            (await person.put(follow)).raise_for_status()
        elif role is Role.BLOCKED:
            (await self.subject.put(f"/v1/users/{person.id}/block")).raise_for_status()
        elif role is Role.BLOCKER:
            (await person.put(f"/v1/users/{self.subject.id}/block")).raise_for_status()
        elif role is Role.SUSPENDED:
            await suspend(self.admin, person)
        return person


async def suspend(admin: Person, person: Person) -> None:
    answer = await admin.post(f"/v1/admin/users/{person.id}/suspend", {"reason": "a test"})
    answer.raise_for_status()

    async def cut_off() -> bool:
        return (await person.get("/v1/me")).status_code == 401

    await eventually(cut_off, timeout=5)  # which takes each gateway up to a second


@dataclass(frozen=True)
class Form:
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Upload:
    """A multipart body with one photo."""

    data: bytes


async def send(http: httpx.AsyncClient, method: str, path: str, token: str | None, body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    match body:
        case Upload(data):
            return await http.request(method, path, headers=headers, files={"file": ("a.jpg", data, "image/jpeg")})
        case Form(fields):
            return await http.request(method, path, headers=headers, data=dict(fields))
        case bytes():
            return await http.request(method, path, headers={**headers, "Content-Type": "image/jpeg"}, content=body)
        case _:
            return await http.request(method, path, headers=headers, json=body)


async def things_of(subject: Person) -> dict[str, str]:
    """What the subject owns: a post whose medium is ready, a comment on it, a session."""
    post = await subject.publish(caption="hello #matrix")
    comment: Json = (await subject.post(f"/v1/posts/{post['id']}/comments", {"text": "mine"})).raise_for_status().json()
    sessions: Json = (await subject.get("/v1/sessions")).raise_for_status().json()
    media_id = post["media"][0]["id"]
    address = urlsplit(await file_of(subject, media_id)).path
    return {
        "path": "/".join(address.split("/")[3:]),  # key and name, without what kind of address it is
        "user_id": subject.id,
        "username": subject.username,
        "post_id": post["id"],
        "media_id": media_id,
        "comment_id": comment["id"],
        "session_id": sessions["items"][0]["id"],
        "app_id": await app_of(subject),
        "passkey_id": "1",
        "tag": "matrix",
    }


async def app_of(subject: Person) -> str:
    """An app that they make, which can keep a secret."""
    body = {"name": "Mine", "client_type": "confidential", "redirect_uris": ["https://mine.example.org/cb"]}
    return (await subject.post("/v1/apps", body)).raise_for_status().json()["id"]
