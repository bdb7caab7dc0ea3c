"""Rate limits: exact across instances, told on every answer, never a single point of failure."""

import asyncio
import re
from ipaddress import ip_network

import pytest
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from pydantic import SecretStr

POLICY = re.compile(r'"[a-z]+-[a-z]+";q=[0-9]+;w=[0-9]+(, "[a-z]+-[a-z]+";q=[0-9]+;w=[0-9]+)*')
CURRENT = re.compile(r'"[a-z]+-[a-z]+";r=[0-9]+;t=[0-9]+(, "[a-z]+-[a-z]+";r=[0-9]+;t=[0-9]+)*')


async def test_two_instances_share_one_quota_to_the_last_request(world: World):
    first, _ = await world.gateway(rate_limits="write.user=50/3600")
    second, _ = await world.gateway(rate_limits="write.user=50/3600")
    token = world.token()
    clients = [await world.client(app, token) for app in (first, second)]
    answers = await asyncio.gather(*(clients[number % 2].put("/v1/posts/1/like") for number in range(120)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (50, 70)
    assert len(world.post.asked(post_pb2.LikePostRequest)) == 50


async def test_who_asks_too_often_is_told_when_to_come_back(world: World, refused: Refused):
    app, _ = await world.gateway(rate_limits="write.user=1/60")
    client = await world.client(app, world.token())
    assert (await client.put("/v1/posts/1/like")).status_code == 200
    response = await client.put("/v1/posts/1/like")
    refused(response, 429, "RATE_LIMITED")
    assert 55 <= int(response.headers["retry-after"]) <= 60
    assert '"write-user";r=0;t=60' in response.headers["ratelimit"]
    assert '"write-user";q=1;w=60' in response.headers["ratelimit-policy"]


async def test_the_quota_grows_back_with_time(world: World):
    app, _ = await world.gateway(rate_limits="write.user=2/1")
    client = await world.client(app, world.token())
    statuses: list[int] = []
    for _ in range(4):
        response = await client.put("/v1/posts/1/like")
        statuses.append(response.status_code)
        if response.status_code == 429:
            await asyncio.sleep(float(response.headers["retry-after"]))
    assert statuses[:3] == [200, 200, 429]
    assert statuses[3] == 200


async def test_people_do_not_use_up_each_others_quota(world: World, ada_id: int, ben_id: int):
    app, _ = await world.gateway(rate_limits="write.user=1/60")
    for account in (ada_id, ben_id):
        client = await world.client(app, world.token(account))
        assert (await client.put("/v1/posts/1/like")).status_code == 200


async def test_an_app_has_a_quota_over_all_of_its_users(world: World, ada_id: int, ben_id: int):
    app, _ = await world.gateway(rate_limits="write.app=1/60")
    ada = await world.client(app, world.token(ada_id, client_id="camera"))
    ben = await world.client(app, world.token(ben_id, client_id="camera"))
    assert (await ada.put("/v1/posts/1/like")).status_code == 200
    response = await ben.put("/v1/posts/1/like")
    assert response.status_code == 429
    assert '"write-app";r=0' in response.headers["ratelimit"]


async def test_a_refused_request_takes_from_no_bucket(world: World, ada_id: int, ben_id: int):
    app, _ = await world.gateway(rate_limits="write.user=1/60,write.address=3/3600")
    ada, ben = await world.client(app, world.token(ada_id)), await world.client(app, world.token(ben_id))
    statuses = [(await ada.put("/v1/posts/1/like")).status_code for _ in range(5)]
    assert statuses == [200, 429, 429, 429, 429]
    assert (await ben.put("/v1/posts/1/like")).headers["ratelimit"].startswith('"write-address";r=1;')


async def test_logging_in_is_limited_by_address_on_its_own(world: World):
    app, _ = await world.gateway(rate_limits="auth.address=2/60")
    client = await world.client(app)
    body = {"login": "ada", "password": "x"}
    assert [(await client.post("/v1/sessions", json=body)).status_code for _ in range(3)] == [201, 201, 429]
    assert (await client.get("/docs")).status_code == 200
    elsewhere = await world.client(app, address="198.51.100.4")
    assert (await elsewhere.post("/v1/sessions", json=body)).status_code == 201


async def test_neighbours_in_one_ipv6_network_are_limited_as_one(world: World):
    app, _ = await world.gateway(rate_limits="read.address=1/60")
    near = [await world.client(app, address=f"2001:db8::{number}") for number in (1, 2)]
    far = await world.client(app, address="2001:db8:0:1::1")
    assert [(await client.get("/docs")).status_code for client in (*near, far)] == [200, 429, 200]


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(world: World):
    app, _ = await world.gateway(rate_limits="read.address=1/60", trusted_proxies=())
    client = await world.client(app)
    statuses = [(await client.get("/docs", headers={"X-Forwarded-For": f"192.0.2.{n}"})).status_code for n in (1, 2)]
    assert statuses == [200, 429]


async def test_behind_a_trusted_proxy_each_client_has_its_own_quota(world: World):

    proxy = ip_network("203.0.113.0/24")
    app, _ = await world.gateway(rate_limits="read.address=1/60", trusted_proxies=(proxy,))
    client = await world.client(app)
    hops = ["192.0.2.1", "192.0.2.2", "6.6.6.6, 192.0.2.1"]  # what a client claims stands left of what the proxy saw
    statuses = [(await client.get("/docs", headers={"X-Forwarded-For": hop})).status_code for hop in hops]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("path", ["/v1/me", "/nope", "/v1/posts/abc", "/docs", "/media/p/x/y"])
async def test_limits_are_told_on_every_answer(anonymous: Client, path: str):
    headers = (await anonymous.get(path)).headers
    assert POLICY.fullmatch(headers["ratelimit-policy"])
    assert CURRENT.fullmatch(headers["ratelimit"])


async def test_probes_are_not_limited(world: World):
    app, _ = await world.gateway(rate_limits="read.address=1/60")
    client = await world.client(app)
    responses = [await client.get("/healthz") for _ in range(5)]
    assert [response.status_code for response in responses] == [200] * 5
    assert "ratelimit" not in responses[0].headers


async def test_without_redis_this_instance_limits_alone(world: World):
    app, _ = await world.gateway(rate_limits="write.user=3/60", redis_url=SecretStr("redis://127.0.0.1:1/0"))
    client = await world.client(app, world.token())
    answers = [await client.put("/v1/posts/1/like") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert '"write-user";r=2' in answers[0].headers["ratelimit"]


async def test_a_bad_token_is_limited_by_address(world: World):
    app, _ = await world.gateway(rate_limits="read.address=2/60")
    client = await world.client(app, "not.a.token")
    assert [(await client.get("/v1/me")).status_code for _ in range(3)] == [401, 401, 429]


async def test_what_is_refused_never_reaches_a_service(world: World):
    app, _ = await world.gateway(rate_limits="auth.address=1/60")
    client = await world.client(app)
    body = {"login": "ada", "password": "x"}
    for _ in range(5):
        await client.post("/v1/sessions", json=body)
    assert len(world.user.asked(user_pb2.CreateSessionRequest)) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/sessions"), ("PUT", "/v1/me/avatar"), ("POST", "/v1/media")]
)
async def test_a_line_feed_after_a_path_leads_around_no_limit(world: World, refused: Refused, method: str, path: str):
    app, _ = await world.gateway()
    client = await world.client(app, world.token())
    refused(await client.request(method, f"{path}%0A", json={}), 404, "NOT_FOUND")
