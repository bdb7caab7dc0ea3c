"""Whatever people do and whatever happens to the system meanwhile: when it has settled, every feed that is served is
the feed by definition, at every depth, page by page.

Plays are random. Their number, length and seed come from the environment, and the seed is told:

    ORACLE_PLAYS=100 ORACLE_STEPS=40 ORACLE_SEED=7 tests/run oracle
"""

import asyncio
import os
import random
import sys
from collections.abc import Iterator

import pytest
from devstack.testing import Stack
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from oracle.machine import Feeds
from oracle.place import Place, fanout_settings
from support.system import UNLIMITED

PLAYS = int(os.environ.get("ORACLE_PLAYS", "6"))
STEPS = int(os.environ.get("ORACLE_STEPS", "30"))
SEED = int(os.environ.get("ORACLE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    # A warm timeline that is soon full, so that plays reach what lies below it.
    environment = {**UNLIMITED, "feed": {"HELIOGRAPH_WARM_CAP": "10"}, "fanout": fanout_settings(10_000)}
    with Stack(environment=environment) as stack, asyncio.Runner() as runner:
        made = Place(stack, runner)
        yield made
        made.run(made.http.aclose())


def test_every_feed_is_what_its_definition_says(place: Place):
    sys.stderr.write(f"\nORACLE_SEED={SEED} ORACLE_PLAYS={PLAYS} ORACLE_STEPS={STEPS}\n")
    played = type("Played", (Feeds,), {"place": place})
    run_state_machine_as_test(
        seed(SEED)(played),
        settings=settings(
            max_examples=PLAYS,
            stateful_step_count=STEPS,
            phases=[Phase.generate],  # a shorter play of a system that goes on would be another play
            deadline=None,
            database=None,
            verbosity=Verbosity.verbose if os.environ.get("ORACLE_VERBOSE") else Verbosity.normal,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            print_blob=True,
        ),
    )
    sys.stderr.write(f"steps taken: {dict(place.taken.most_common())}\n")
    assert place.taken["settle"]
