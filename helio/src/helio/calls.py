"""Calls to the services in the operator's name."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from heliograph.upkeep.v1.upkeep_pb2 import RebuildRequest, RebuildResponse, VerifyRequest, VerifyResponse
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceStub, VerifyServiceStub
from heliograph.user.v1 import admin_pb2 as pb
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.client import channel
from kit.errors import DeadlineExceeded, NotFound, Unavailable

from helio.site import Site

T = TypeVar("T")
_SECONDS, _STEP_SECONDS = 10.0, 120.0
_TRIES = 5


@dataclass(frozen=True)
class Operator:
    """An operator at work. `channel_to` opens a channel to a service once."""

    site: Site
    actor: pb.Actor
    channel_to: Callable[[str], Awaitable[grpc.aio.Channel]]
    pause: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep

    async def admin(self) -> AdminServiceStub:
        return AdminServiceStub(await self.channel_to("user"))

    async def users(self) -> UserServiceStub:
        return UserServiceStub(await self.channel_to("user"))

    async def find(self, who: str) -> pb.AdminUser:
        """By id, whole username or whole e-mail address. Raises NotFound USER_NOT_FOUND."""
        wanted = who.removeprefix("@").lower()
        answer = await (await self.admin()).ListUsers(
            pb.ListUsersRequest(actor=self.actor, query=wanted, page_size=100)
        )
        for user in answer.users:
            profile = user.account.profile
            if wanted in {str(profile.id), profile.username, user.account.email.lower()}:
                return user
        raise NotFound("USER_NOT_FOUND", f"there is no account {who!r}: give an id, a username or an e-mail address")

    async def record(
        self, action: str, reason: str, *, user_id: int = 0, details: Mapping[str, str] | None = None
    ) -> None:
        """In the audit trail, before it is done: what cannot be recorded is not done."""
        request = pb.RecordActRequest(
            actor=self.actor, action=action, reason=reason, user_id=user_id, details=details or {}
        )
        await (await self.admin()).RecordAct(request)

    async def rebuild(self, service: str, view: str, *, user_id: int = 0) -> AsyncIterator[RebuildResponse]:
        """Step by step. A step that was lost on the way is asked for again: it can be repeated."""
        stub, token = UpkeepServiceStub(await self.channel_to(service)), ""
        while True:
            step = await self._patiently(stub.Rebuild, RebuildRequest(view=view, user_id=user_id, token=token))
            yield step
            token = step.next_token
            if not token:
                return

    async def verify(self, service: str, view: str, *, user_id: int) -> AsyncIterator[VerifyResponse]:
        """Step by step, as rebuild."""
        stub, token = VerifyServiceStub(await self.channel_to(service)), ""
        while True:
            request = VerifyRequest(view=view, user_id=user_id, token=token)
            step = await self._patiently(stub.Verify, request)
            yield step
            token = step.next_token
            if not token:
                return

    async def everybody(self) -> AsyncIterator[int]:
        """Ids of all accounts, in any state."""
        stub, after = await self.admin(), 0
        while True:
            page = await stub.ScanProfiles(pb.ScanProfilesRequest(after_id=after))
            for profile in page.profiles:
                yield profile.id
            after = page.next_after_id
            if not after:
                return

    async def _patiently(self, call: Callable[[Any], Awaitable[T]], request: object) -> T:
        """Of calls that can be repeated."""
        for attempt in range(1, _TRIES):
            try:
                return await call(request)
            except (Unavailable, DeadlineExceeded):
                await self.pause(attempt)
        return await call(request)


@asynccontextmanager
async def opened(site: Site, actor: pb.Actor) -> AsyncGenerator[Operator]:
    async with AsyncExitStack() as stack:
        channels: dict[str, grpc.aio.Channel] = {}

        async def channel_to(service: str) -> grpc.aio.Channel:
            if service not in channels:
                seconds = _SECONDS if service == "user" else _STEP_SECONDS
                target = site.target(service)
                made = channel(target, service=service, caller="helio", seconds=seconds, tls=site.tls)
                channels[service] = await stack.enter_async_context(made)
            return channels[service]

        yield Operator(site, actor, channel_to)
