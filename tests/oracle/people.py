"""People of one play: what they do through REST, and what is true after each answer."""

import asyncio
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from kit.testing import eventually
from support.rest import PASSWORD, Json, Person, join, photo

from services.feed.tests.definition import Audience, Truth, home_feed

_PENDING_SECONDS = 60
AUDIENCES = {Audience.PUBLIC: "public", Audience.FOLLOWERS: "followers", Audience.CLOSE_FRIENDS: "close_friends"}


@dataclass
class Company:
    """Some people who know only each other. What an answer acknowledges goes into `truth` at once."""

    http: httpx.AsyncClient
    admin: Person
    people: list[Person] = field(default_factory=list[Person])
    truth: Truth = field(default_factory=Truth)
    requests: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    """Ends this company's tags: those of other plays are others."""
    gone: set[int] = field(default_factory=set[int])
    """Places of those who can do nothing: suspended, or leaving."""
    suspended: set[int] = field(default_factory=set[int])

    async def gather(self, size: int) -> None:
        self.people = list(await asyncio.gather(*(join(self.http, "player") for _ in range(size))))

    def present(self) -> list[int]:
        return [place for place in range(len(self.people)) if place not in self.gone]

    def id_of(self, place: int) -> int:
        return int(self.people[place].id)

    def expected(self, place: int) -> list[int]:
        return home_feed(self.truth, self.id_of(place))

    def own(self, place: int) -> list[int]:
        me = self.id_of(place)
        return sorted(post for post, author in self.truth.authors.items() if author == me)

    async def post(self, place: int, tags: frozenset[str], audience: Audience) -> None:
        body = {"caption": self._caption(tags), "audience": AUDIENCES[audience]}
        made = await self.people[place].publish(photo(32, 24), **body)
        post = int(made["id"])
        self.truth.authors[post] = self.id_of(place)
        self.truth.tags[post], self.truth.audiences[post] = tags, audience

    async def delete(self, place: int, post: int) -> None:
        _done(await self.people[place].delete(f"/v1/posts/{post}"))
        del self.truth.authors[post]

    async def edit(self, place: int, post: int, tags: frozenset[str], audience: Audience) -> None:
        body = {"caption": self._caption(tags), "audience": AUDIENCES[audience]}
        _done(await self.people[place].patch(f"/v1/posts/{post}", body))
        self.truth.tags[post], self.truth.audiences[post] = tags, audience

    async def follow(self, one: int, other: int) -> None:
        me, them = self.id_of(one), self.id_of(other)
        answer = await self.people[one].put(f"/v1/users/{them}/follow")
        if (me, them) in self.truth.blocks or (them, me) in self.truth.blocks:
            assert answer.status_code in {404, 409, 422}, answer.text
            return
        relation = _done(answer).json()
        if (me, them) not in self.truth.follows:
            (self.requests if them in self.truth.private else self.truth.follows).add((me, them))
        assert relation["following"] is ((me, them) in self.truth.follows)
        assert relation["requested"] is ((me, them) in self.requests)

    async def unfollow(self, one: int, other: int) -> None:
        _done(await self.people[one].delete(f"/v1/users/{self.id_of(other)}/follow"))
        self._part(self.id_of(one), self.id_of(other))

    async def accept(self, place: int, asking: int, *, accept: bool) -> None:
        """`asking` is an id."""
        verb = "accept" if accept else "reject"
        _done(await self.people[place].put(f"/v1/me/follow-requests/{asking}/{verb}"))
        self.requests.discard((asking, self.id_of(place)))
        if accept:
            self.truth.follows.add((asking, self.id_of(place)))

    async def block(self, one: int, other: int, *, on: bool) -> None:
        me, them = self.id_of(one), self.id_of(other)
        person, path = self.people[one], f"/v1/users/{them}/block"
        _done(await (person.put(path) if on else person.delete(path)))
        if not on:
            self.truth.blocks.discard((me, them))
            return
        self.truth.blocks.add((me, them))
        for pair in ((me, them), (them, me)):
            self._part(*pair)
            self.truth.close_friends.discard(pair)

    async def mute(self, one: int, other: int, *, on: bool) -> None:
        await self._mark(self.truth.mutes, one, other, "/v1/users/{}/mute", on=on)

    async def close_friend(self, one: int, other: int, *, on: bool) -> None:
        await self._mark(self.truth.close_friends, one, other, "/v1/me/close-friends/{}", on=on)

    async def follow_tag(self, place: int, tag: str, *, on: bool) -> None:
        person, path = self.people[place], f"/v1/tags/{tag}{self.mark}/follow"
        _done(await (person.put(path) if on else person.delete(path)))
        pair = (self.id_of(place), tag)
        self.truth.followed_tags.add(pair) if on else self.truth.followed_tags.discard(pair)

    async def like(self, place: int, post: int, *, on: bool) -> None:
        person, path = self.people[place], f"/v1/posts/{post}/like"
        _done(await (person.put(path) if on else person.delete(path)))
        pair = (self.id_of(place), post)
        if on:
            self.truth.likes[pair] = 1
        else:
            self.truth.likes.pop(pair, None)

    async def keep_private(self, place: int, *, private: bool) -> None:
        """Who goes public lets in all who asked, which takes a moment."""
        me = self.id_of(place)
        _done(await self.people[place].patch("/v1/me/settings", {"private_account": private}))
        if private:
            self.truth.private.add(me)
            return
        self.truth.private.discard(me)

        async def all_in() -> bool:
            return not _done(await self.people[place].get("/v1/me/follow-requests")).json()["items"]

        await eventually(all_in, timeout=30)
        asked = {pair for pair in self.requests if pair[1] == me}
        self.requests -= asked
        self.truth.follows |= asked

    async def suspend(self, place: int) -> None:
        _done(await self.admin.post(f"/v1/admin/users/{self.id_of(place)}/suspend", {"reason": "a play"}))
        self.truth.inactive.add(self.id_of(place))
        self.gone.add(place)
        self.suspended.add(place)

    async def restore(self, place: int) -> None:
        _done(await self.admin.post(f"/v1/admin/users/{self.id_of(place)}/restore", {"reason": "a play"}))
        person = self.people[place]
        session = await self.http.post("/v1/sessions", json={"login": person.username, "password": PASSWORD})
        tokens = _done(session).json()
        self.people[place] = replace(person, access_token=tokens["access_token"], refresh_token=tokens["refresh_token"])
        self.truth.inactive.discard(self.id_of(place))
        self.gone.discard(place)
        self.suspended.discard(place)

    async def leave(self, place: int) -> None:
        person = self.people[place]
        answer = await self.http.request("DELETE", "/v1/me", json={"password": PASSWORD}, headers=person.headers)
        _done(answer)
        self.truth.inactive.add(self.id_of(place))
        self.gone.add(place)

    async def served(self) -> None:
        """Waits until a service that was started again has been found by those who call it."""
        person = self.people[self.present()[0]]

        async def all_answer() -> bool:
            paths = ("/v1/me/feed", f"/v1/users/{person.id}/posts", "/v1/me/blocks")
            for _ in range(3):  # by every one of a gateway's connections
                for path in paths:
                    if not (await person.get(path)).is_success:
                        return False
            return True

        await eventually(all_answer, timeout=30)

    async def published(self) -> None:
        """Waits until no photo is being processed any more."""
        for place in self.present():

            async def ready(place: int = place) -> bool:
                pages = await self.pages(place, 100)
                mine = [item for page in pages for item in page if item["author"]["id"] == self.people[place].id]
                return all(item["published"] for item in mine)

            await eventually(ready, timeout=_PENDING_SECONDS)

    async def pages(self, place: int, size: int, order: str = "latest") -> list[list[Json]]:
        """The whole feed, as a client pages it. Only the last page may be short, and then nothing follows."""
        found: list[list[Json]] = []
        query: dict[str, Any] = {"limit": size, "order": order}
        while True:
            page = _done(await self.people[place].get("/v1/me/feed", **query)).json()
            assert not page["degraded"]
            found.append(page["items"])
            if page["next"] is None:
                return found
            assert len(page["items"]) == size, "a short page, although another follows it"
            query["cursor"] = page["next"]

    async def _mark(self, kept: set[tuple[int, int]], one: int, other: int, path: str, *, on: bool) -> None:
        me, them = self.id_of(one), self.id_of(other)
        full, person = path.format(them), self.people[one]
        answer = await (person.put(full) if on else person.delete(full))
        if (me, them) in self.truth.blocks or (them, me) in self.truth.blocks:
            assert answer.status_code < 500, answer.text
            on = on and answer.is_success
        else:
            _done(answer)
        kept.add((me, them)) if on else kept.discard((me, them))

    def _caption(self, tags: frozenset[str]) -> str:
        return " ".join(["a photo", *(f"#{tag}{self.mark}" for tag in sorted(tags))])

    def _part(self, one: int, other: int) -> None:
        self.truth.follows.discard((one, other))
        self.requests.discard((one, other))


def _done(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    return answer
