"""Idempotency-Key: the same request is carried out once, whatever happens in between."""

import asyncio

import pytest
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from kit.errors import NotFound, Unavailable
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.types import ASGIApp

BODY = {"media_ids": ["1"], "caption": "dusk"}
KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
def posts(world: World, ada_id: int):
    """The post service makes another post each time it is asked."""
    made: list[str] = []

    def make(request: post_pb2.CreatePostRequest) -> post_pb2.CreatePostResponse:
        made.append(request.request_id)
        return post_pb2.CreatePostResponse(post=world.post_of(request.viewer_id, 100 + len(made)))

    world.post.answer("CreatePost", make)
    return made


async def test_a_repeated_request_gets_the_same_answer(ada: Client, posts: list[str]):
    first, second = [await ada.post("/v1/posts", json=BODY, headers=KEY) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(posts) == 1


async def test_another_instance_knows_the_answer(world: World, ada: Client, posts: list[str]):
    first = await ada.post("/v1/posts", json=BODY, headers=KEY)
    app, _ = await world.gateway()
    second = await (await world.client(app, world.token())).post("/v1/posts", json=BODY, headers=KEY)
    assert second.content == first.content
    assert len(posts) == 1


async def test_the_same_key_with_another_body_is_refused(ada: Client, posts: list[str], refused: Refused):
    await ada.post("/v1/posts", json=BODY, headers=KEY)
    refused(await ada.post("/v1/posts", json={**BODY, "caption": "dawn"}, headers=KEY), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(posts) == 1


async def test_while_the_first_is_under_way_the_second_is_refused(ada: Client, world: World, refused: Refused):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: post_pb2.CreatePostRequest) -> post_pb2.CreatePostResponse:
        started.set()
        await go_on.wait()
        return post_pb2.CreatePostResponse(post=world.post_of(1))

    world.post.answer("CreatePost", slow)
    first = asyncio.create_task(ada.post("/v1/posts", json=BODY, headers=KEY))
    await started.wait()
    second = await ada.post("/v1/posts", json=BODY, headers=KEY)
    other = await ada.post("/v1/posts", json={**BODY, "caption": "x"}, headers=KEY)
    go_on.set()
    assert (await first).status_code == 201
    refused(second, 409, "IDEMPOTENCY_KEY_IN_FLIGHT")
    refused(other, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_many_at_once_are_carried_out_once(ada: Client, posts: list[str]):
    answers = await asyncio.gather(*(ada.post("/v1/posts", json=BODY, headers=KEY) for _ in range(20)))
    assert len(posts) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1


async def test_keys_belong_to_an_account_and_a_route(
    world: World, app: ASGIApp, posts: list[str], ada_id: int, ben_id: int
):
    for account in (ada_id, ben_id):
        client = await world.client(app, world.token(account))
        await client.post("/v1/posts", json=BODY, headers=KEY)
        await client.post("/v1/me/feed", json=BODY, headers=KEY)
    assert len(posts) == len(set(posts)) == 4


async def test_a_failure_of_ours_is_not_kept(ada: Client, world: World, posts: list[str], refused: Refused):
    world.post.answer("CreatePost", Unavailable("POSTGRES_UNAVAILABLE", "down"))
    refused(await ada.post("/v1/posts", json=BODY, headers=KEY), 503, "POSTGRES_UNAVAILABLE")
    first_id = world.post.asked(post_pb2.CreatePostRequest)[-1].request_id
    world.post.answer("CreatePost", post_pb2.CreatePostResponse(post=world.post_of(1)))
    assert (await ada.post("/v1/posts", json=BODY, headers=KEY)).status_code == 201
    assert world.post.asked(post_pb2.CreatePostRequest)[-1].request_id == first_id


async def test_a_refusal_by_a_service_is_kept(ada: Client, world: World, refused: Refused):
    world.post.answer("CreateComment", NotFound("POST_NOT_FOUND", "no"))
    for _ in range(2):
        refused(await ada.post("/v1/posts/1/comments", json={"text": "x"}, headers=KEY), 404, "POST_NOT_FOUND")
    assert len(world.post.asked(post_pb2.CreateCommentRequest)) == 1


async def test_a_mistake_in_the_body_does_not_use_up_the_key(ada: Client, posts: list[str], refused: Refused):
    refused(await ada.post("/v1/posts", json={"caption": 1}, headers=KEY), 422, "INVALID_FIELD")
    assert (await ada.post("/v1/posts", json=BODY, headers=KEY)).status_code == 201


async def test_when_the_record_is_lost_the_services_still_see_the_same_id(
    world: World, ada: Client, posts: list[str], redis_url: str
):

    await ada.post("/v1/posts", json=BODY, headers=KEY)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    await ada.post("/v1/posts", json=BODY, headers=KEY)
    assert len(posts) == 2
    assert posts[0] == posts[1]


async def test_without_redis_the_services_still_see_the_same_id(world: World, posts: list[str]):
    app, _ = await world.gateway(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    client = await world.client(app, world.token())
    statuses = [(await client.post("/v1/posts", json=BODY, headers=KEY)).status_code for _ in range(2)]
    assert statuses == [201, 201]
    assert posts[0] == posts[1]


async def test_without_a_key_each_request_is_another(ada: Client, posts: list[str]):
    for _ in range(2):
        await ada.post("/v1/posts", json=BODY)
    assert len(set(posts)) == 2


async def test_registering_twice_from_another_address_is_the_same_creation(world: World, app: ASGIApp):
    body = {"username": "ada", "email": "ada@example.org", "password": "correct horse"}
    for address in ("192.0.2.1", "192.0.2.2"):
        client = await world.client(app, address=address)
        assert (await client.post("/v1/accounts", json=body, headers=KEY)).status_code == 201
    first, second = world.user.asked(user_pb2.RegisterAccountRequest)
    assert first.request_id == second.request_id
    other = await world.client(app, address="192.0.2.3")
    await other.post("/v1/accounts", json={**body, "username": "eve"}, headers=KEY)
    assert world.user.asked(user_pb2.RegisterAccountRequest)[-1].request_id != first.request_id


async def test_answers_with_tokens_are_not_kept(anonymous: Client, world: World, redis_url: str):

    tokens = user_pb2.TokenPair(access_token="SECRET-ACCESS", refresh_token="SECRET-REFRESH")
    world.user.answer("CreateSession", user_pb2.CreateSessionResponse(tokens=tokens))
    for _ in range(2):
        await anonymous.post("/v1/sessions", json={"login": "ada", "password": "x"}, headers=KEY)
    assert len(world.user.asked(user_pb2.CreateSessionRequest)) == 2
    async with Redis.from_url(redis_url) as redis:
        assert not await redis.keys("gateway:once:*")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
async def test_what_cannot_be_a_key_is_refused(ada: Client, refused: Refused, key: str):
    headers = [(b"Idempotency-Key", key.encode())]
    refused(await ada.post("/v1/posts", json=BODY, headers=headers), 422, "BAD_IDEMPOTENCY_KEY")


async def test_a_longest_key_is_a_key(ada: Client, posts: list[str]):
    response = await ada.post("/v1/posts", json=BODY, headers={"Idempotency-Key": "x" * 255})
    assert response.status_code == 201


async def test_a_bug_lets_go_of_the_key(ada: Client, world: World, posts: list[str]):
    world.post.answer("CreatePost", post_pb2.CreatePostResponse(post=post_pb2.Post(id=1)))
    assert (await ada.post("/v1/posts", json=BODY, headers=KEY)).status_code == 500
    world.post.answer("CreatePost", post_pb2.CreatePostResponse(post=world.post_of(1)))
    assert (await ada.post("/v1/posts", json=BODY, headers=KEY)).status_code == 201


async def test_a_repeated_announcement_gets_a_fresh_upload_target_for_the_same_medium(ada: Client, world: World):
    asked: list[str] = []

    def announce(request: post_pb2.CreateMediaRequest) -> post_pb2.CreateMediaResponse:
        asked.append(request.request_id)
        upload = post_pb2.Upload(method="PUT", url=f"http://storage.test/{len(asked)}")
        media = post_pb2.Media(id=7, kind=request.kind, state=post_pb2.MEDIA_STATE_WAITING)
        return post_pb2.CreateMediaResponse(media=media, upload=upload)

    world.post.answer("CreateMedia", announce)
    body = {"kind": "image", "content_type": "image/png", "bytes": 1, "sha256": "ab" * 32}
    answers = [(await ada.post("/v1/media", json=body, headers=KEY)).json() for _ in range(2)]
    assert [answer["id"] for answer in answers] == ["7", "7"]
    assert answers[0]["upload"]["url"] != answers[1]["upload"]["url"]
    assert len(asked) == 2
    assert len(set(asked)) == 1
