"""An account that left something everywhere, and every way to see it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
from kit.testing import eventually

from support.rest import Json, Person, join, photo


@dataclass(frozen=True)
class Scene:
    """`actor` is the account. It follows `host`, likes the host's post, comments it and is mentioned in it; `reader`
    follows the actor, has its post in the feed, and likes it. `files` are addresses by what they are."""

    http: httpx.AsyncClient
    actor: Person
    host: Person
    reader: Person
    tag: str
    post: str
    hosts_post: str
    comment: str
    files: Mapping[str, str]

    async def shown(self) -> dict[str, bool]:
        """Where the account or something of it shows at this moment."""
        names, looks = [*SEEN, *self.files], [look(self) for look in SEEN.values()]
        return dict(zip(names, await asyncio.gather(*looks, *map(self.fetches, self.files.values())), strict=True))

    async def fetches(self, url: str) -> bool:
        return (await self.http.get(url)).status_code == 200


Look = Callable[[Scene], Awaitable[bool]]


def there(path: str, who: str = "reader") -> Look:
    """A route about it; `who` is nobody when empty."""

    async def look(scene: Scene) -> bool:
        url = path.format(s=scene)
        answer = await (getattr(scene, who).get(url) if who else scene.http.get(url))
        assert answer.status_code in {200, 404}, (url, answer.text)
        return answer.status_code == 200

    return look


def listed(path: str, wanted: str, who: str = "reader") -> Look:
    """A list of others' that it is in, by the id that `wanted` stands for."""

    async def look(scene: Scene) -> bool:
        answer = await getattr(scene, who).get(path.format(s=scene))
        items: list[Json] = answer.raise_for_status().json()["items"]
        return wanted.format(s=scene) in [item.get("id") or item[item["type"]]["id"] for item in items]

    return look


async def mentioned(scene: Scene) -> bool:
    post = (await scene.reader.get(f"/v1/posts/{scene.hosts_post}")).raise_for_status().json()
    return scene.actor.id in [mention["id"] for mention in post["mentions"]]


async def notified(scene: Scene) -> bool:
    items: list[Json] = (await scene.host.get("/v1/notifications")).raise_for_status().json()["items"]
    kinds = [item["kind"] for item in items if scene.actor.id in [actor["id"] for actor in item["actors"]]]
    assert sorted(kinds) in ([], ["comment", "follow", "like"])
    return bool(kinds)


async def unread(scene: Scene) -> bool:
    return (await scene.host.get("/v1/notifications/unread-count")).raise_for_status().json()["count"] > 0


async def tag_found(scene: Scene) -> bool:
    answer = await scene.host.get("/v1/search", q=scene.tag, type="tags")
    return bool(answer.raise_for_status().json()["items"])


SEEN: Mapping[str, Look] = {
    "profile": there("/v1/users/{s.actor.username}"),
    "profile, to anybody": there("/v1/users/{s.actor.username}", who=""),
    "profile by id": listed("/v1/users?ids={s.actor.id}", "{s.actor.id}"),
    "post": there("/v1/posts/{s.post}"),
    "post, to anybody": there("/v1/posts/{s.post}", who=""),
    "posts": there("/v1/users/{s.actor.id}/posts"),
    "likes of its post": there("/v1/posts/{s.post}/likes"),
    "comments on its post": there("/v1/posts/{s.post}/comments"),
    "posts of the tag": listed("/v1/tags/{s.tag}/posts", "{s.post}"),
    "feed": listed("/v1/me/feed", "{s.post}"),
    "ranked feed": listed("/v1/me/feed?order=top", "{s.post}"),
    "its comment": listed("/v1/posts/{s.hosts_post}/comments", "{s.comment}"),
    "answers to its comment": there("/v1/comments/{s.comment}/replies"),
    "its like": listed("/v1/posts/{s.hosts_post}/likes", "{s.actor.id}"),
    "mention": mentioned,
    "notifications": notified,
    "unread notifications": unread,
    "followers": listed("/v1/users/{s.host.id}/followers", "{s.actor.id}"),
    "following": listed("/v1/users/{s.reader.id}/following", "{s.actor.id}", who="host"),
    "its followers": there("/v1/users/{s.actor.id}/followers"),
    "whom it follows": there("/v1/users/{s.actor.id}/following"),
    "user search": listed("/v1/search?type=users&q={s.actor.username}", "{s.actor.id}"),
    "post search": listed("/v1/search?type=posts&q={s.tag}", "{s.post}"),
    "tag search": tag_found,
}


async def scene_of(http: httpx.AsyncClient) -> Scene:
    actor, host, reader = await join(http, "actor"), await join(http, "host"), await join(http, "reader")
    tag = f"tag{secrets.token_hex(5)}"
    for follower, followed in ((actor, host), (reader, actor)):
        (await follower.put(f"/v1/users/{followed.id}/follow")).raise_for_status()
    post, unposted = await actor.publish(caption=f"mine #{tag}"), await actor.upload(photo(color="red"))
    hosts_post = (await host.publish(caption=f"with @{actor.username}"))["id"]
    await eventually(lambda: _published(host, hosts_post), timeout=30)
    (await actor.put(f"/v1/posts/{hosts_post}/like")).raise_for_status()
    path = f"/v1/posts/{hosts_post}/comments"
    comment = (await actor.post(path, {"text": "hello"})).raise_for_status().json()["id"]
    (await host.post(path, {"text": "hello yourself", "reply_to": comment})).raise_for_status()
    media = {"file": post["media"][0]["id"], "file of no post": unposted}
    files = {name: await file_of(actor, media_id) for name, media_id in media.items()}
    headers = {**actor.headers, "Content-Type": "image/jpeg"}
    account = (await http.put("/v1/me/avatar", content=photo(300, 300), headers=headers)).raise_for_status().json()
    files["avatar"] = account["avatar_url"]
    return Scene(http, actor, host, reader, tag, post["id"], hosts_post, comment, files)


async def file_of(owner: Person, media_id: str) -> str:
    """An address of a medium, once it is ready."""

    async def ready() -> Json | None:
        medium = (await owner.get(f"/v1/media/{media_id}")).raise_for_status().json()
        return medium if medium["state"] == "ready" else None

    medium = await eventually(ready, timeout=30)
    assert medium
    return medium["variants"][0]["url"]


async def _published(author: Person, post_id: str) -> bool:
    return (await author.get(f"/v1/posts/{post_id}")).raise_for_status().json()["published"]
