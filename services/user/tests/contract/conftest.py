"""The whole service on real servers, behind its RPCs."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1 import user_pb2_grpc
from kit.postgres import Postgres, open_postgres
from kit.testing import MakeDatabase, MakeSettings, Rpc, eventually
from redis.asyncio import Redis
from user_service.settings import UserSettings
from user_service.store.keys import KeyFolder
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import Serving, serving_of

MIGRATIONS = Path(__file__).parents[2] / "migrations"
PASSWORD = "correct horse"


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


Register = Callable[..., Awaitable[pb.Account]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def settings(
    make_database: MakeDatabase,
    make_settings: MakeSettings,
    redis_url: str,
    topic_prefix: str,
    bucket: str,
    tmp_path: Path,
) -> UserSettings:
    KeyFolder(tmp_path).create(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return make_settings(
        UserSettings,
        postgres_dsn=await make_database(MIGRATIONS),
        redis_url=redis_url,
        topic_prefix=topic_prefix,
        s3_bucket=bucket,
        token_keys_dir=tmp_path,
        password_memory_kib=8,
        factor_keys="k" * 32,
    )


@pytest_asyncio.fixture
async def base(settings: UserSettings, clock: Clock) -> AsyncGenerator[Base]:
    async with AsyncExitStack() as stack:
        yield await open_base(stack, settings, clock)


@pytest.fixture
def serving(base: Base) -> Serving:
    return serving_of(base)


@pytest_asyncio.fixture
async def channel(serving: Serving, rpc: Rpc) -> grpc.aio.Channel:
    """To all gRPC services of the process."""
    return await rpc(*serving.register)


@pytest.fixture
def users(channel: grpc.aio.Channel) -> user_pb2_grpc.UserServiceStub:
    return user_pb2_grpc.UserServiceStub(channel)


@pytest_asyncio.fixture
async def postgres(settings: UserSettings) -> AsyncGenerator[Postgres]:
    async with open_postgres(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncGenerator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def register(users: user_pb2_grpc.UserServiceStub) -> Register:
    async def make(username: str = "anna", *, request_id: str = "", name: str = "") -> pb.Account:
        request = pb.RegisterAccountRequest(
            username=username,
            email=f"{username}@example.org",
            password=PASSWORD,
            name=name,
            request_id=request_id,
        )
        return (await users.RegisterAccount(request)).account

    return make


@asynccontextmanager
async def meeting_at(postgres: Postgres, rows: str, count: int) -> AsyncGenerator[None]:
    """Holds the rows' locks until so many transactions wait, then lets them loose: what the block started meets there,
    whatever the machine's mood."""

    async def all_wait() -> bool:
        waiting = await postgres.primary.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        return waiting >= count

    async with postgres.primary.transaction() as conn:
        await conn.execute(f"{rows} for update")
        yield
        await eventually(all_wait)
