"""The user service: `python -m user_service serve | migrate | keys [--dir FOLDER]`."""

import sys
import warnings
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit import migrations, server
from kit.cache import Cache
from kit.consumer import Consumer, dispatch
from kit.kafka import open_producer
from kit.outbox import Outbox
from kit.postgres import Postgres, open_postgres
from kit.process import Command, main
from kit.redis import open_redis
from kit.settings import PostgresSettings, Settings

from user_service import events
from user_service.rpc import UserRpc
from user_service.service.accounts import Accounts
from user_service.service.passwords import open_passwords
from user_service.service.sessions import Sessions
from user_service.service.tokens import AccessTokens
from user_service.settings import KeySettings, UserSettings
from user_service.store.accounts import AccountStore
from user_service.store.keys import KeyFolder
from user_service.store.profiles import ProfileCache
from user_service.store.sessions import SessionStore

NAME = user_pb2.DESCRIPTOR.services_by_name["UserService"].full_name


@dataclass(frozen=True)
class Wired:
    rpc: UserRpc
    postgres: Postgres
    tasks: tuple[server.Task, ...]


async def wire(stack: AsyncExitStack, settings: UserSettings, clock: Callable[[], datetime]) -> Wired:
    postgres = await stack.enter_async_context(open_postgres(settings))
    redis = await stack.enter_async_context(open_redis(settings))
    producer = await stack.enter_async_context(open_producer(settings))
    passwords = await stack.enter_async_context(open_passwords(settings.hashing))
    outbox = Outbox(postgres, producer, source="user", topic_prefix=settings.topic_prefix)
    tokens = AccessTokens(KeyFolder(settings.token_keys_dir), settings.tokens)
    cache = Cache(redis, "user:profile", events.encode, events.decode, settings.profile_cache_seconds)
    store = AccountStore(postgres)
    accounts = Accounts(store, ProfileCache(cache), outbox, passwords, events.event_of)
    lifetime = timedelta(days=settings.refresh_token_days)
    sessions = Sessions(postgres, SessionStore(postgres), store, passwords, tokens, lifetime=lifetime, clock=clock)
    handle = dispatch(UserEvent, events.handlers(accounts))
    cached = Consumer(settings, group="user.profiles", topics=[events.TOPIC], handle=handle)
    tasks = (outbox.run, tokens.watch, sessions.sweep, cached.run)
    return Wired(UserRpc(accounts, sessions, tokens), postgres, tasks)


def now() -> datetime:
    return datetime.now(UTC)


async def serve(settings: UserSettings) -> None:
    async with AsyncExitStack() as stack:
        wired = await wire(stack, settings, now)
        await server.serve(
            settings,
            "user",
            register=[partial(user_pb2_grpc.add_UserServiceServicer_to_server, wired.rpc)],
            names=[NAME],
            checks={"postgres": wired.postgres.check},
            tasks=wired.tasks,
        )


def migrate(settings: PostgresSettings) -> None:
    migrations.migrate(settings.postgres_dsn.get_secret_value(), Path(__file__).parents[2] / "migrations")


def keys(folder: Path) -> None:
    KeyFolder(folder).create_first(now)


def commands(arguments: list[str]) -> dict[str, Command[Any]]:
    known: dict[str, Command[Any]] = {
        "serve": Command(UserSettings, serve),
        "migrate": Command(PostgresSettings, migrate),
        "keys": Command(KeySettings, lambda settings: keys(settings.token_keys_dir)),
    }
    if len(arguments) == 3 and arguments[:2] == ["keys", "--dir"]:
        known[" ".join(arguments)] = Command(Settings, lambda _: keys(Path(arguments[2])))
    return known


if __name__ == "__main__":
    # Its new name, Ed25519 (RFC 9864), is not yet known to the libraries of many clients.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    main("user", commands(sys.argv[1:]))
