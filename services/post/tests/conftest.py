"""A post service on real stores, with people that need no other service."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from kit.kafka import open_producer
from kit.outbox import Outbox
from kit.postgres import Postgres, open_postgres
from kit.settings import KafkaSettings, PostgresSettings
from kit.testing import MakeDatabase, MakeSettings
from post_service.events import encode
from post_service.model.visibility import AccountState, Profile, Relation
from post_service.store.truth import Truth

MIGRATIONS = Path(__file__).parents[1] / "migrations"
BORN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class People:
    """Stands for the user and graph services: accounts, and how they stand to each other."""

    known: dict[int, Profile] = field(default_factory=dict[int, Profile])
    ties: dict[tuple[int, int], Relation] = field(default_factory=dict[tuple[int, int], Relation])
    calls: int = 0

    def add(self, user_id: int, username: str = "", *, private: bool = False) -> int:
        name = username or f"user{user_id}"
        active = AccountState.ACTIVE
        self.known[user_id] = Profile(user_id, name, name.title(), "", "", "", "", "", private, active, BORN, 1)
        return user_id

    def change(self, user_id: int, **values: object) -> None:
        self.known[user_id] = replace(self.known[user_id], **values)  # type: ignore[arg-type]

    def tie(self, viewer_id: int, other_id: int, relation: Relation) -> None:
        self.ties[viewer_id, other_id] = relation

    def block(self, one: int, other: int) -> None:
        self.tie(one, other, Relation(blocked=True))
        self.tie(other, one, Relation(blocked=True))

    async def profiles(self, ids: Sequence[int]) -> dict[int, Profile]:
        self.calls += 1
        return {user_id: self.known[user_id] for user_id in ids if user_id in self.known}

    async def resolve(self, usernames: Sequence[str]) -> dict[str, int]:
        return {person.username: person.id for person in self.known.values() if person.username in usernames}

    async def published(self) -> None:
        """None of theirs is an event."""

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
        self.calls += 1
        return {user_id: self.ties.get((viewer_id, user_id), Relation()) for user_id in ids}


@pytest.fixture
def people() -> People:
    return People()


@pytest_asyncio.fixture
async def postgres_dsn(make_database: MakeDatabase) -> str:
    return await make_database(MIGRATIONS)


@pytest_asyncio.fixture
async def postgres(postgres_dsn: str) -> AsyncGenerator[Postgres]:
    async with open_postgres(PostgresSettings.model_validate({"postgres_dsn": postgres_dsn})) as opened:
        yield opened


@pytest_asyncio.fixture
async def truth(postgres: Postgres, make_settings: MakeSettings) -> AsyncGenerator[Truth]:
    """Without a relay: events stay in the outbox, where tests count them."""
    async with open_producer(make_settings(KafkaSettings)) as producer:
        yield Truth(postgres, Outbox(postgres, producer, source="post"), encode)
