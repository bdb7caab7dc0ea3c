"""The main job, step by step, as two people with ordinary clients live it."""

import hashlib
import io
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from demo.client import Client, Json
from demo.photo import take_photo

PATIENCE_SECONDS = 60.0


class StepFailedError(Exception):
    """A step did not come out as promised; the text says what was expected and what was found."""


@dataclass(frozen=True)
class Step:
    name: str
    act: Callable[[], None]


@dataclass
class Person:
    client: Client
    username: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    id: str = ""


class Story:
    """Ada follows Ben; his photograph reaches her feed; she likes it and comments; he hears of it; all can be found."""

    def __init__(self, base_url: str, *, tag: str | None = None) -> None:
        mark = secrets.token_hex(4)
        self.tag = tag or f"dusk{mark}"
        self.title = f"Evening {mark}"
        self.ben = Person(Client(base_url), f"ben_{mark}")
        self.ada = Person(Client(base_url), f"ada_{mark}")
        self.photo = b""
        self.media_id = ""
        self.post: Json = {}
        self.seen: Json = {}
        self.comment_id = ""
        self.metrics: dict[str, int] = {}
        self._upload: Json = {}
        self._upload_started = 0.0

    def close(self) -> None:
        self.ben.client.close()
        self.ada.client.close()

    def steps(self) -> Iterator[Step]:
        yield Step("Ben registers", lambda: self._register(self.ben))
        yield Step("Ada registers", lambda: self._register(self.ada))
        yield Step("Ben logs in", lambda: self._log_in(self.ben))
        yield Step("Ada logs in", lambda: self._log_in(self.ada))
        yield Step("Ada follows Ben", self._follow)
        yield Step("Ben takes a photograph", self._take_photo)
        yield Step("Ben announces the upload", self._announce)
        yield Step("Ben uploads straight to storage", self._send_bytes)
        yield Step("Ben completes the upload", self._complete)
        yield Step("The photograph is ready", self._wait_ready)
        yield Step("Ben publishes it", self._publish)
        yield Step("It is in Ada's feed", self._wait_in_feed)
        yield Step("Ada downloads it: right size, no EXIF", self._download)
        yield Step("Ada likes it", self._like)
        yield Step("Ada comments", self._comment)
        yield Step("Ben is told of the like and the comment", self._wait_notified)
        yield Step("Search finds Ben", lambda: self._search("users", self.ben.username, self._is_ben))
        yield Step("Search finds the tag", lambda: self._search("tags", self.tag, self._is_tag))
        yield Step("Search finds the photograph", lambda: self._search("posts", self.title, self._is_post))

    def _register(self, person: Person) -> None:
        body = {
            "username": person.username,
            "email": f"{person.username}@example.org",
            "password": person.password,
            "name": person.username.split("_")[0].title(),
        }
        person.id = person.client.post("/v1/accounts", body)["id"]

    def _log_in(self, person: Person) -> None:
        body = {"login": person.username, "password": person.password}
        session = person.client.post("/v1/sessions", body, keyed=False)
        _expect("user of the session", session["user"]["id"], person.id)
        person.client.authorize(session["access_token"])

    def _follow(self) -> None:
        relation = self.ada.client.put(f"/v1/users/{self.ben.id}/follow")
        _expect("following", relation["following"], True)

    def _take_photo(self) -> None:
        self.photo = take_photo(seed=secrets.randbits(32))
        with Image.open(io.BytesIO(self.photo)) as image:
            _expect("EXIF present in the original", bool(image.getexif()), True)

    def _announce(self) -> None:
        self._upload_started = time.monotonic()
        body = {
            "kind": "image",
            "content_type": "image/jpeg",
            "bytes": len(self.photo),
            "sha256": hashlib.sha256(self.photo).hexdigest(),
            "alt_text": "An evening sky over hills",
        }
        media = self.ben.client.post("/v1/media", body)
        self.media_id, self._upload = media["id"], media["upload"]

    def _send_bytes(self) -> None:
        self.ben.client.upload(self._upload, self.photo)

    def _complete(self) -> None:
        self.ben.client.post(f"/v1/media/{self.media_id}/complete")

    def _wait_ready(self) -> None:
        def ready() -> bool:
            media = self.ben.client.get(f"/v1/media/{self.media_id}")
            if media["state"] == "refused":
                raise StepFailedError(f"the photograph was refused: {media.get('reason')}")
            return media["state"] == "ready"

        _wait("the photograph to be ready", ready)
        self.metrics["upload_to_ready_ms"] = _since(self._upload_started)

    def _publish(self) -> None:
        body = {"media_ids": [self.media_id], "title": self.title, "caption": f"The sun went down. #{self.tag}"}
        self.metrics["posted_at"] = int(time.monotonic() * 1000)
        self.post = self.ben.client.post("/v1/posts", body)
        _expect("tags of the post", self.post["tags"], [self.tag])

    def _wait_in_feed(self) -> None:
        def there() -> bool:
            items: list[Json] = self.ada.client.get("/v1/me/feed")["items"]
            found = [item for item in items if item["id"] == self.post["id"]]
            self.seen = found[0] if found else {}
            return bool(found)

        _wait("the photograph in the feed", there, every=0.05)
        self.metrics["post_to_feed_ms"] = int(time.monotonic() * 1000) - self.metrics.pop("posted_at")
        _expect("author in the feed", self.seen["author"]["username"], self.ben.username)

    def _download(self) -> None:
        variants: list[Json] = self.seen["media"][0]["variants"]
        _expect("more than one variant", len(variants) > 1, True)
        for variant in (max(variants, key=_width), min(variants, key=_width)):
            data = self.ada.client.fetch(variant["url"]).content
            _expect("bytes of the variant", len(data), variant["bytes"])
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                _expect("size of the variant", image.size, (variant["width"], variant["height"]))
                _expect("EXIF of the variant", dict(image.getexif()), {})
                _expect("EXIF block of the variant", "exif" in image.info, False)
        tall = max(variants, key=_width)
        _expect("turned upright", tall["height"] > tall["width"], True)

    def _like(self) -> None:
        answer = self.ada.client.put(f"/v1/posts/{self.post['id']}/like")
        _expect("likes", answer["counts"]["likes"], 1)
        _expect("liked by the viewer", answer["viewer"]["liked"], True)

    def _comment(self) -> None:
        answer = self.ada.client.post(f"/v1/posts/{self.post['id']}/comments", {"text": "What a light!"})
        self.comment_id = answer["id"]
        post = self.ada.client.get(f"/v1/posts/{self.post['id']}")
        _expect("comments", post["counts"]["comments"], 1)

    def _wait_notified(self) -> None:
        def told() -> bool:
            items: list[Json] = self.ben.client.get("/v1/notifications")["items"]
            kinds = {item["kind"] for item in items if self.ada.id in {actor["id"] for actor in item["actors"]}}
            return {"like", "comment", "follow"} <= kinds

        _wait("notifications of the follow, the like and the comment", told)

    def _search(self, kind: str, query: str, match: Callable[[Json], bool]) -> None:
        def found() -> bool:
            items: list[Json] = self.ada.client.get("/v1/search", q=query, type=kind)["items"]
            return any(match(item) for item in items)

        _wait(f"{query!r} among {kind}", found, every=0.2)

    def _is_ben(self, item: Json) -> bool:
        return item["user"]["id"] == self.ben.id

    def _is_tag(self, item: Json) -> bool:
        return item["tag"]["name"] == self.tag

    def _is_post(self, item: Json) -> bool:
        return item["post"]["id"] == self.post["id"]


def _width(variant: Json) -> int:
    return variant["width"]


def _since(start: float) -> int:
    return int((time.monotonic() - start) * 1000)


def _expect(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise StepFailedError(f"{what}: expected {expected!r}, found {found!r}")


def _wait(what: str, happened: Callable[[], bool], every: float = 0.1) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > end:
            raise StepFailedError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(every)
