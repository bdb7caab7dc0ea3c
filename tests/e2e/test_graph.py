"""Whom people let in, keep out and prefer, through the REST API of a whole system."""

import asyncio
from datetime import UTC, datetime

import httpx
from kit.testing import eventually
from support.rest import Json, Person, assert_problem, join


async def people(http: httpx.AsyncClient, *names: str) -> list[Person]:
    return [await join(http, name) for name in names]


async def follow(one: Person, other: Person) -> Json:
    return (await one.put(f"/v1/users/{other.id}/follow")).raise_for_status().json()


async def go(person: Person, *, private: bool) -> None:
    (await person.patch("/v1/me/settings", {"private_account": private})).raise_for_status()


async def ids(person: Person, path: str) -> list[str]:
    return [item["id"] for item in (await person.get(path)).raise_for_status().json()["items"]]


async def relation(one: Person, other: Person) -> Json:
    found = (await one.get("/v1/relationships", ids=other.id)).raise_for_status().json()
    return found["items"][0]


async def counts(viewer: Person, of: Person) -> tuple[int, int]:
    found = (await viewer.get(f"/v1/users/{of.username}")).raise_for_status().json()["counts"]
    return found["followers"], found["following"]


async def status(person: Person, path: str) -> int:
    return (await person.get(path)).status_code


async def shows(reader: Person, post: Json) -> None:
    async def there() -> bool:
        return post["id"] in await reader.feed()

    await eventually(there, timeout=30)


async def test_a_request_is_accepted_rejected_or_withdrawn(http: httpx.AsyncClient):
    author, ann, ben, cid = await people(http, "author", "ann", "ben", "cid")
    await go(author, private=True)
    post = await author.publish()
    for asking in (ann, ben, cid):
        assert (await follow(asking, author))["requested"]
    assert await ids(author, "/v1/me/follow-requests") == [cid.id, ben.id, ann.id]

    (await author.put(f"/v1/me/follow-requests/{ann.id}/accept")).raise_for_status()
    (await author.put(f"/v1/me/follow-requests/{ben.id}/reject")).raise_for_status()
    (await cid.delete(f"/v1/users/{author.id}/follow")).raise_for_status()

    assert await ids(author, "/v1/me/follow-requests") == []
    assert_problem(await author.put(f"/v1/me/follow-requests/{cid.id}/accept"), 404)
    await shows(ann, post)
    assert await ids(ann, f"/v1/users/{author.id}/followers") == [ann.id]
    for outside in (ben, cid):
        assert await status(outside, f"/v1/posts/{post['id']}") == 404
        assert await status(outside, f"/v1/users/{author.id}/followers") == 404
        assert await counts(outside, author) == (1, 0)

    (await author.delete(f"/v1/me/followers/{ann.id}")).raise_for_status()
    assert await status(ann, f"/v1/posts/{post['id']}") == 404
    assert await counts(ben, author) == (0, 0)


async def test_going_public_lets_in_all_who_asked(http: httpx.AsyncClient):
    author, *asking = await people(http, "author", "ann", "ben", "cid")
    await go(author, private=True)
    post = await author.publish()
    for one in asking:
        await follow(one, author)
    await go(author, private=False)

    async def followed() -> bool:
        return sorted(await ids(author, f"/v1/users/{author.id}/followers")) == sorted(one.id for one in asking)

    await eventually(followed, timeout=30)
    assert await ids(author, "/v1/me/follow-requests") == []

    async def counted() -> bool:
        return await counts(asking[0], author) == (3, 0)

    await eventually(counted, timeout=10)  # counted when committed: the last a moment after it can be seen
    for one in asking:
        await shows(one, post)


async def test_a_block_cuts_both_follows_and_hides_both_ways(http: httpx.AsyncClient):
    ann, ben, cid = await people(http, "ann", "ben", "cid")
    for one, other in ((ann, ben), (ben, ann), (ann, cid), (ben, cid)):
        await follow(one, other)
    posts = {one.id: await one.publish() for one in (ann, ben)}
    await shows(ann, posts[ben.id])
    await shows(ben, posts[ann.id])

    answer = (await ann.put(f"/v1/users/{ben.id}/block")).raise_for_status().json()

    assert (answer["blocking"], answer["following"], answer["followed_by"]) == (True, False, False)
    for one, other in ((ann, ben), (ben, ann)):
        assert posts[other.id]["id"] not in await one.feed()
        assert await status(one, f"/v1/posts/{posts[other.id]['id']}") == 404
        assert await status(one, f"/v1/users/{other.id}/followers") == 404
        assert other.id not in await ids(one, f"/v1/users/{cid.id}/followers")
    assert await status(ben, f"/v1/users/{ann.username}") == 404
    assert (await ben.put(f"/v1/users/{ann.id}/follow")).status_code == 404
    assert not any(value for name, value in (await relation(ben, ann)).items() if name != "id")
    assert await counts(cid, ann) == (0, 1)
    assert await counts(cid, ben) == (0, 1)
    assert await ids(ann, "/v1/me/blocks") == [ben.id]

    (await ben.put(f"/v1/users/{ann.id}/block")).raise_for_status()
    assert await ids(ann, "/v1/me/blocks") == [ben.id]


async def test_a_mute_ends_by_itself_to_the_second(http: httpx.AsyncClient):
    ann, ben = await people(http, "ann", "ben")
    await follow(ann, ben)
    post = await ben.publish()
    await shows(ann, post)

    answer = await ann.http.put(f"/v1/users/{ben.id}/mute", json={"seconds": 8}, headers=ann.headers)
    until = datetime.fromisoformat(answer.raise_for_status().json()["muted_until"])
    assert await ann.feed() == []
    assert await ids(ann, "/v1/me/mutes") == [ben.id]
    assert (await relation(ann, ben))["muting"]
    assert datetime.now(UTC) < until, "the system is too slow for this test"

    await asyncio.sleep((until - datetime.now(UTC)).total_seconds())

    assert await ann.feed() == [post["id"]]
    assert await ids(ann, "/v1/me/mutes") == []
    found = await relation(ann, ben)
    assert (found["muting"], found["muted_until"], found["following"]) == (False, None, True)


async def test_what_is_for_close_friends_reaches_them_alone(http: httpx.AsyncClient):
    author, friend, follower = await people(http, "author", "friend", "follower")
    for one in (friend, follower):
        await follow(one, author)
    assert (await author.put(f"/v1/me/close-friends/{friend.id}")).raise_for_status().json()["close_friend"]
    assert await ids(author, "/v1/me/close-friends") == [friend.id]

    post = await author.publish(audience="close_friends")

    await shows(friend, post)
    assert await status(friend, f"/v1/posts/{post['id']}") == 200
    assert await status(follower, f"/v1/posts/{post['id']}") == 404
    assert await follower.feed() == []
    assert "close_friend_of" not in await relation(friend, author)

    (await author.delete(f"/v1/me/close-friends/{friend.id}")).raise_for_status()
    assert await status(friend, f"/v1/posts/{post['id']}") == 404
    assert await friend.feed() == []
    (await author.put(f"/v1/me/close-friends/{follower.id}")).raise_for_status()
    await shows(follower, post)


async def test_suggestions_come_from_those_whom_one_follows(http: httpx.AsyncClient):
    ann, ben, cid, dan, eve, secret = await people(http, "ann", "ben", "cid", "dan", "eve", "secret")
    await follow(secret, eve)
    await go(secret, private=True)
    for one, other in ((ann, ben), (ann, cid), (ben, dan), (cid, dan), (cid, eve), (ann, secret)):
        await follow(one, other)

    async def suggested() -> list[tuple[str, list[str], int]]:
        items = (await ann.get("/v1/me/suggestions")).raise_for_status().json()["items"]
        return [(item["user"]["id"], [one["id"] for one in item["mutual"]], item["mutual_count"]) for item in items]

    assert await suggested() == [(dan.id, [cid.id, ben.id], 2), (eve.id, [cid.id], 1)]
    assert (await ann.delete(f"/v1/me/suggestions/{dan.id}")).status_code == 204
    await follow(ann, eve)
    assert await suggested() == []
