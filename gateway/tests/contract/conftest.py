"""The gateway in process, behind it real Redis and S3, and services that a test scripts."""

import inspect
import json
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from gateway.__main__ import assemble
from gateway.app import build
from gateway.here import Parts
from gateway.settings import GatewaySettings
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.feed.v1 import feed_pb2_grpc
from heliograph.graph.v1 import graph_pb2_grpc
from heliograph.notify.v1 import notify_pb2_grpc
from heliograph.post.v1 import post_pb2, post_pb2_grpc
from heliograph.search.v1 import search_pb2_grpc
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from joserfc import jwt
from joserfc.jwk import OKPKey
from kit.errors import NotFound
from kit.server import running
from kit.settings import ProcessSettings
from starlette.types import ASGIApp

ADA = 116045278314958848
BEN = 116045278314958849
ADDRESS = "203.0.113.7"
SERVICES = ("user", "graph", "post", "feed", "notify", "search")


Reply = Callable[[Any], Message]


class Scripted:
    """Implements the generated servicer `name` of `module`: methods without a script answer an empty message."""

    def __init__(self, module: Any, name: str) -> None:
        self.requests: list[Message] = []
        self._replies: dict[str, Reply] = {}
        base = getattr(module, f"{name}Servicer")
        self._add = getattr(module, f"add_{name}Servicer_to_server")
        methods = {method: self._method(module, method) for method in vars(base) if not method.startswith("_")}
        self._servicer = type(f"Scripted{name}", (base,), methods)()

    def register(self, server: grpc.aio.Server) -> None:
        self._add(self._servicer, server)

    def answer(self, method: str, reply: Message | Exception | Reply) -> None:
        """From now on `method` answers the message, fails with the error, or does what the function says."""
        self._replies[method] = reply if callable(reply) else lambda _: _raise_or_return(reply)

    def asked(self, kind: type[Message]) -> Sequence[Any]:
        """The requests of this type so far."""
        return [request for request in self.requests if isinstance(request, kind)]

    def _method(self, module: Any, method: str) -> Any:
        messages = next(
            value
            for key, value in vars(module).items()
            if key.endswith("__pb2") and hasattr(value, f"{method}Response")
        )

        async def handle(_self: object, request: Message, _context: object) -> Message:
            self.requests.append(request)
            reply = self._replies.get(method)
            answer = reply(request) if reply else getattr(messages, f"{method}Response")()
            return await answer if inspect.isawaitable(answer) else answer

        return handle


def _raise_or_return(reply: Message | Exception) -> Message:
    if isinstance(reply, Exception):
        raise reply
    return reply


class World:
    """Scripted services and everything needed to be one of their clients."""

    def __init__(self, settings: GatewaySettings, stack: AsyncExitStack, services: dict[str, Scripted]) -> None:
        self.settings, self._stack = settings, stack
        self.user, self.graph, self.post = services["user"], services["graph"], services["post"]
        self.feed, self.notify, self.search = services["feed"], services["notify"], services["search"]
        self.key = OKPKey.generate_key("Ed25519")
        self.publish_keys({"k1": self.key})

    def publish_keys(self, keys: dict[str, OKPKey]) -> None:
        found = [{**key.as_dict(private=False), "kid": kid} for kid, key in keys.items()]
        self.user.answer("GetJwks", user_pb2.GetJwksResponse(jwks_json=json.dumps({"keys": found})))

    def token(
        self, account: int = ADA, *, kid: str = "k1", typ: str = "at+jwt", key: OKPKey | None = None, **changes: Any
    ) -> str:
        now = int(time.time())
        claims = {
            "iss": "heliograph",
            "aud": "heliograph-api",
            "sub": str(account),
            "sid": str(account + 1000),
            "scope": "read write follow push",
            "iat": now,
            "exp": now + 900,
            "jti": secrets.token_hex(8),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "EdDSA", "kid": kid, "typ": typ}, claims, key or self.key, algorithms=["EdDSA"])

    async def gateway(self, **changes: Any) -> tuple[ASGIApp, Parts]:
        """One more instance."""
        parts = await self._stack.enter_async_context(assemble(self.settings.model_copy(update=changes)))
        await parts.revocations.refresh()
        return build(parts), parts

    def profile(self, account: int, username: str, **values: Any) -> user_pb2.Profile:
        state = values.pop("state", user_pb2.ACCOUNT_STATE_ACTIVE)
        return user_pb2.Profile(id=account, username=username, name=username.title(), state=state, **values)

    def knows(self, *profiles: user_pb2.Profile) -> None:
        """The user service has these accounts."""
        known = {profile.id: profile for profile in profiles}

        def batch(request: user_pb2.BatchGetProfilesRequest) -> user_pb2.BatchGetProfilesResponse:
            return user_pb2.BatchGetProfilesResponse(profiles=[known[one] for one in request.ids if one in known])

        def by_name(request: user_pb2.GetProfileByUsernameRequest) -> user_pb2.GetProfileByUsernameResponse:
            for profile in known.values():
                if profile.username == request.username:
                    return user_pb2.GetProfileByUsernameResponse(profile=profile)
            raise NotFound("USER_NOT_FOUND", "there is no such user")

        self.user.answer("BatchGetProfiles", batch)
        self.user.answer("GetProfileByUsername", by_name)

    def post_of(self, author: int, post: int = 7 << 40, **values: Any) -> post_pb2.Post:
        filled: dict[str, Any] = {
            "id": post,
            "author": self.profile(author, "ada"),
            "audience": post_pb2.AUDIENCE_PUBLIC,
            "etag": "v1",
            "published": True,
            "created_at": Timestamp(seconds=1782070200, nanos=123_456_789),
        }
        return post_pb2.Post(**{**filled, **values})

    async def client(self, app: ASGIApp, token: str | None = None, address: str = ADDRESS) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers)
        return await self._stack.enter_async_context(client)


@pytest_asyncio.fixture
async def world(redis_url: str, servers: dict[str, str]) -> AsyncGenerator[World]:
    services = {
        "user": Scripted(user_pb2_grpc, "UserService"),
        "graph": Scripted(graph_pb2_grpc, "GraphService"),
        "post": Scripted(post_pb2_grpc, "PostService"),
        "feed": Scripted(feed_pb2_grpc, "FeedService"),
        "notify": Scripted(notify_pb2_grpc, "NotifyService"),
        "search": Scripted(search_pb2_grpc, "SearchService"),
    }
    async with AsyncExitStack() as stack:
        backing = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=1)
        register = [service.register for service in services.values()]
        server = await stack.enter_async_context(running(backing, "fakes", register=register, names=[]))
        yield World(_settings(server.port, redis_url, servers), stack, services)


@pytest_asyncio.fixture
async def app(world: World) -> ASGIApp:
    return (await world.gateway())[0]


@pytest_asyncio.fixture
async def anonymous(world: World, app: ASGIApp) -> httpx.AsyncClient:
    return await world.client(app)


@pytest.fixture
def ada_id() -> int:
    return ADA


@pytest.fixture
def ben_id() -> int:
    return BEN


@pytest_asyncio.fixture
async def ada(world: World, app: ASGIApp) -> httpx.AsyncClient:
    return await world.client(app, world.token(ADA))


Refused = Callable[[httpx.Response, int, str], dict[str, Any]]


@pytest.fixture
def refused() -> Refused:
    """Checks that an answer is a whole problem document with this status and reason."""

    def check(response: httpx.Response, status: int, reason: str) -> dict[str, Any]:
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (response.status_code, problem["reason"]) == (status, reason), problem
        assert problem["status"] == status
        assert problem["type"] == "/problems/" + reason.lower().replace("_", "-")
        assert problem["title"]
        assert problem["detail"]
        assert problem["instance"].startswith("/")
        assert len(problem["trace_id"]) == 32
        return problem

    return check


def _settings(port: int, redis_url: str, servers: dict[str, str]) -> GatewaySettings:
    target = f"127.0.0.1:{port}"
    values: dict[str, Any] = {
        f"{name}_target": target for name in ("user", "graph", "post", "feed", "notify", "search")
    }
    return GatewaySettings(
        **values,
        listen="127.0.0.1:0",
        redis_url=redis_url,
        cursor_key="c" * 32,
        media_url_key="m" * 32,
        public_url="http://api.test",
        media_base_url="http://media.test",
        s3_endpoint=servers["HELIOGRAPH_S3_ENDPOINT"],
        s3_bucket="heliograph-media",
        s3_region=servers["HELIOGRAPH_S3_REGION"],
        s3_access_key=servers["HELIOGRAPH_S3_ACCESS_KEY"],
        s3_secret_key=servers["HELIOGRAPH_S3_SECRET_KEY"],
    )
