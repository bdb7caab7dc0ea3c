"""What the gateway's contract tests share: scripted services, and the means to be one of their clients."""

import inspect
import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import ModuleType
from typing import Any, TypeVar

import grpc
import httpx
from gateway.__main__ import assemble
from gateway.app import build
from gateway.here import Parts
from gateway.settings import GatewaySettings
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from joserfc import jwt
from joserfc.jwk import OKPKey
from kit.errors import NotFound
from starlette.types import ASGIApp

ADA = 116045278314958848
BEN = 116045278314958849
ADDRESS = "203.0.113.7"

M = TypeVar("M", bound=Message)
Client = httpx.AsyncClient
Refused = Callable[[httpx.Response, int, str], dict[str, Any]]
Reply = Callable[[Any], Any]


class Scripted:
    """Implements the generated servicer `name` of `module`: methods without a script answer an empty message."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.requests: list[Message] = []
        self._replies: dict[str, Reply] = {}
        base: type = getattr(module, f"{name}Servicer")
        self._add: Callable[[object, grpc.aio.Server], None] = getattr(module, f"add_{name}Servicer_to_server")
        names = [method for method in vars(base) if not method.startswith("_")]
        methods = {method: self._method(_answer_type(module, method), method) for method in names}
        self._servicer = type(f"Scripted{name}", (base,), methods)()

    def register(self, server: grpc.aio.Server) -> None:
        self._add(self._servicer, server)

    def answer(self, method: str, reply: Message | Exception | Reply) -> None:
        """From now on `method` answers the message, fails with the error, or does what the function says."""
        self._replies[method] = _saying(reply) if isinstance(reply, (Message, Exception)) else reply

    def asked(self, kind: type[M]) -> Sequence[M]:
        """The requests of this type so far."""
        return [request for request in self.requests if isinstance(request, kind)]

    def _method(self, empty: type[Message], method: str) -> Any:
        async def handle(_self: object, request: Message, _context: object) -> Message:
            self.requests.append(request)
            reply = self._replies.get(method)
            answer = reply(request) if reply else empty()
            return await answer if inspect.isawaitable(answer) else answer

        return handle


def _answer_type(module: ModuleType, method: str) -> type[Message]:
    """Of an RPC: the stubs' module has imported the one that holds it."""
    imported: list[Any] = list(vars(module).values())
    return next(getattr(value, f"{method}Response") for value in imported if hasattr(value, f"{method}Response"))


def _saying(reply: Message | Exception) -> Reply:
    def say(_: Any) -> Message:
        if isinstance(reply, Exception):
            raise reply
        return reply

    return say


class World:
    """Scripted services and everything needed to be one of their clients."""

    def __init__(self, settings: GatewaySettings, stack: AsyncExitStack, services: dict[str, Scripted]) -> None:
        self.settings, self._stack = settings, stack
        self.user, self.graph, self.post = services["user"], services["graph"], services["post"]
        self.feed, self.notify, self.search = services["feed"], services["notify"], services["search"]
        self.admin, self.factors = services["admin"], services["factors"]
        self.credentials, self.lifecycle = services["credentials"], services["lifecycle"]
        self.sign_in = services["sign_in"]
        self.oauth = services["oauth"]
        self.settings_service, self.avatars = services["settings"], services["avatars"]
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
            raise NotFound("USER_NOT_FOUND", "in other words")

        self.user.answer("BatchGetProfiles", batch)
        self.user.answer("GetProfileByUsername", by_name)

    def post_of(self, author_id: int, post: int = 7 << 40, **values: Any) -> post_pb2.Post:
        filled: dict[str, Any] = {
            "id": post,
            "author": self.profile(author_id, "ada"),
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
