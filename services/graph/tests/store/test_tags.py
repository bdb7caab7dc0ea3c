"""Followed tags under changes at once."""

import asyncio

import pytest
from graph_service.events import tag_event_of
from graph_service.model.lists import FIRST_PAGE
from graph_service.service.tags import Tags
from graph_service.store.tags import TagFollows
from kit.errors import FailedPrecondition
from kit.kafka import Producer
from kit.outbox import Outbox
from kit.postgres import Postgres

from services.graph.tests.events import change_ids, told

ME = 7


@pytest.fixture
def follows(postgres: Postgres) -> TagFollows:
    return TagFollows(postgres, Outbox(postgres, Producer("", ""), source="graph"), tag_event_of)


async def followed(follows: TagFollows) -> list[str]:
    return [one.tag for one in await follows.page(ME, before=FIRST_PAGE, limit=300)]


async def test_of_many_equal_calls_one_makes_the_change(follows: TagFollows, postgres: Postgres):
    tags = Tags(follows)
    await asyncio.gather(*(tags.follow(ME, "dusk") for _ in range(8)))
    await asyncio.gather(*(tags.unfollow(ME, "dusk") for _ in range(8)))

    assert await told(postgres) == [f"{ME} tag_followed dusk", f"{ME} tag_unfollowed dusk"]
    assert await followed(follows) == []


async def test_changes_at_once_never_make_more_than_there_may_be(follows: TagFollows, postgres: Postgres):
    await postgres.primary.execute(f"insert into tag_follows select {ME}, 't' || n, n from generate_series(1, 197) n")
    tags = Tags(follows)

    outcomes = await asyncio.gather(*(tags.follow(ME, f"new{n}") for n in range(8)), return_exceptions=True)

    assert sum(isinstance(outcome, FailedPrecondition) for outcome in outcomes) == 5
    assert len(await followed(follows)) == 200


async def test_events_are_in_the_order_of_the_changes_that_they_tell_of(follows: TagFollows, postgres: Postgres):
    tags = Tags(follows)
    await asyncio.gather(*(change(ME, "dusk") for _ in range(10) for change in (tags.follow, tags.unfollow)))

    lines, ids = await told(postgres), await change_ids(postgres)
    assert lines == [f"{ME} tag_followed dusk", f"{ME} tag_unfollowed dusk"] * (len(lines) // 2) + (
        [f"{ME} tag_followed dusk"] if len(lines) % 2 else []
    )
    assert ids == sorted(ids)
    assert await followed(follows) == (["dusk"] if len(lines) % 2 else [])
