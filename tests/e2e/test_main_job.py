"""The main job and what changes a feed afterwards, through the REST API of a whole system."""

import asyncio
import io
import secrets

import httpx
from demo.story import Story
from kit.testing import eventually
from PIL import Image
from support.rest import Person, join, photo


async def test_a_photograph_reaches_a_follower_and_all_that_follows(base_url: str):
    story = Story(base_url)
    try:
        for step in story.steps():
            await asyncio.to_thread(step.act)
    finally:
        story.close()
    assert story.metrics.keys() == {"upload_to_ready_ms", "post_to_feed_ms"}


async def in_feed(reader: Person, post_id: str) -> bool:
    return post_id in await reader.feed()


async def shows(reader: Person, post_id: str) -> None:
    await eventually(lambda: in_feed(reader, post_id), timeout=20)


async def test_following_brings_what_was_posted_before(http: httpx.AsyncClient):
    author, reader = await join(http, "author"), await join(http, "reader")
    posts = [(await author.publish(caption=str(number)))["id"] for number in range(3)]
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()

    async def all_there() -> bool:
        return await reader.feed() == sorted(posts, key=int, reverse=True)

    await eventually(all_there, timeout=20)


async def test_unfollowing_and_deleting_take_posts_out_at_once(http: httpx.AsyncClient):
    author, reader = await join(http, "author"), await join(http, "reader")
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    kept, deleted = (await author.publish())["id"], (await author.publish())["id"]
    await shows(reader, kept)
    await shows(reader, deleted)
    (await author.delete(f"/v1/posts/{deleted}")).raise_for_status()
    assert await reader.feed() == [kept]
    (await reader.delete(f"/v1/users/{author.id}/follow")).raise_for_status()
    assert await reader.feed() == []
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    await shows(reader, kept)


async def test_ones_own_post_is_in_ones_own_feed_before_its_media_is_ready(http: httpx.AsyncClient):
    author = await join(http, "author")
    post = await author.publish(photo(4000, 3000))
    assert await author.feed() == [post["id"]]


async def test_a_block_hides_each_from_the_other(http: httpx.AsyncClient):
    author, reader = await join(http, "author"), await join(http, "reader")
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    post = await author.publish()
    await shows(reader, post["id"])
    (await author.put(f"/v1/users/{reader.id}/block")).raise_for_status()
    assert await reader.feed() == []
    assert (await reader.get(f"/v1/posts/{post['id']}")).status_code == 404
    assert (await reader.get(f"/v1/users/{author.username}")).status_code == 404
    assert (await reader.put(f"/v1/users/{author.id}/follow")).status_code == 404
    assert (await author.put(f"/v1/users/{reader.id}/follow")).status_code == 422


async def test_a_private_account_lets_in_whom_it_accepts(http: httpx.AsyncClient):
    author, reader, stranger = await join(http, "author"), await join(http, "reader"), await join(http, "stranger")
    (await author.patch("/v1/me/settings", {"private_account": True})).raise_for_status()
    post = await author.publish()

    async def ready() -> bool:
        answer = await author.get(f"/v1/posts/{post['id']}")
        return all(item["variants"] for item in answer.json()["media"])

    await eventually(ready, timeout=20)
    relation = (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status().json()
    assert (relation["requested"], relation["following"]) == (True, False)
    assert (await reader.get(f"/v1/posts/{post['id']}")).status_code == 404
    (await author.put(f"/v1/me/follow-requests/{reader.id}/accept")).raise_for_status()
    await shows(reader, post["id"])
    assert (await stranger.get(f"/v1/posts/{post['id']}")).status_code == 404
    assert (await http.get(f"/v1/posts/{post['id']}")).status_code == 404
    assert (await stranger.get(f"/v1/users/{author.id}/posts")).status_code == 404
    assert (await stranger.get(f"/v1/users/{author.id}/followers")).status_code == 404


async def test_files_of_what_is_not_public_need_a_signature(http: httpx.AsyncClient):
    author = await join(http, "author")
    post = await author.publish(audience="followers")

    async def variants() -> list[dict[str, str]]:
        answer = await author.get(f"/v1/posts/{post['id']}")
        return answer.json()["media"][0]["variants"]

    url = (await eventually(variants, timeout=20))[0]["url"]
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(url)).status_code == 200
        bare, _, _ = url.partition("?")
        assert bare != url
        assert (await anybody.get(bare)).status_code in {403, 404}
        assert (await anybody.get(url[:-2] + ("aa" if url[-2:] != "aa" else "bb"))).status_code in {403, 404}


async def test_old_links_of_a_deleted_post_die(http: httpx.AsyncClient):
    author = await join(http, "author")
    post = await author.publish()

    async def variants() -> list[dict[str, str]]:
        return (await author.get(f"/v1/posts/{post['id']}")).json()["media"][0]["variants"]

    url = (await eventually(variants, timeout=20))[0]["url"]
    (await author.delete(f"/v1/posts/{post['id']}")).raise_for_status()

    async def dead() -> bool:
        async with httpx.AsyncClient() as anybody:
            return (await anybody.get(url)).status_code == 404

    await eventually(dead, timeout=60)


async def test_counts_follow_likes_and_comments(http: httpx.AsyncClient):
    author, reader = await join(http, "author"), await join(http, "reader")
    post = await author.publish()
    path = f"/v1/posts/{post['id']}"

    async def seen() -> bool:
        return (await reader.get(path)).status_code == 200

    await eventually(seen, timeout=20)
    for _ in range(2):
        assert (await reader.put(f"{path}/like")).raise_for_status().json()["counts"]["likes"] == 1
    comment = (await reader.post(f"{path}/comments", {"text": "Fine"})).raise_for_status().json()
    reply = (await author.post(f"{path}/comments", {"text": "Thanks", "reply_to": comment["id"]})).raise_for_status()
    assert (await reader.get(path)).json()["counts"] == {"likes": 1, "comments": 2}
    assert (await reader.delete(f"/v1/comments/{reply.json()['id']}")).status_code == 403
    (await reader.delete(f"/v1/comments/{comment['id']}")).raise_for_status()
    (await reader.delete(f"{path}/like")).raise_for_status()
    assert (await reader.get(path)).json()["counts"] == {"likes": 0, "comments": 0}


async def test_a_phones_photo_comes_out_upright_and_without_its_place(http: httpx.AsyncClient):
    author = await join(http, "author")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", (1600, 1200), "navy").save(out, "JPEG", exif=exif)
    media_id = await author.upload(out.getvalue())

    async def variants() -> list[dict[str, object]]:
        return (await author.get(f"/v1/media/{media_id}")).json()["variants"]

    found = await eventually(variants, timeout=20)
    assert {str(variant["content_type"]) for variant in found} == {"image/webp", "image/jpeg"}
    async with httpx.AsyncClient() as anybody:
        for variant in found:
            data = (await anybody.get(str(variant["url"]))).raise_for_status().content
            with Image.open(io.BytesIO(data)) as image:
                assert image.size == (variant["width"], variant["height"])
                assert image.height >= image.width
                assert not dict(image.getexif())


async def test_the_same_key_makes_one_post(http: httpx.AsyncClient):
    author = await join(http, "author")
    media_id = await author.upload(photo())
    key, body = secrets.token_hex(8), {"media_ids": [media_id], "caption": "once"}
    answers = [await author.post("/v1/posts", body, key=key) for _ in range(2)]
    assert answers[0].status_code == answers[1].status_code == 201
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert (await author.post("/v1/posts", {**body, "caption": "twice"}, key=key)).status_code == 422
    assert len(await author.feed()) == 1
