"""When a mute ends."""

from datetime import UTC, datetime, timedelta

import pytest
from graph_service.model.mutes import LONGEST, End
from kit.errors import InvalidArgument

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def test_a_mute_has_no_end_unless_one_is_asked_for():
    assert End().at(NOW) is None


def test_an_end_is_never_earlier_than_asked_and_whole_milliseconds():
    assert End(seconds=60).at(NOW) == datetime(2026, 1, 2, 3, 5, 5, 679_000, tzinfo=UTC)
    assert End(moment=NOW + MOMENT).at(NOW) == datetime(2026, 1, 2, 3, 4, 5, 679_000, tzinfo=UTC)
    assert End(moment=NOW.replace(second=6, microsecond=0)).at(NOW) == NOW.replace(second=6, microsecond=0)


@pytest.mark.parametrize(
    ("end", "field"),
    [
        (End(seconds=0), "/seconds"),
        (End(seconds=-1), "/seconds"),
        (End(seconds=1 << 62), "/seconds"),
        (End(moment=NOW), "/until"),
        (End(moment=NOW + LONGEST + MOMENT), "/until"),
    ],
)
def test_an_end_that_cannot_be_is_refused(end: End, field: str):
    with pytest.raises(InvalidArgument) as caught:
        end.at(NOW)
    assert [violation.field for violation in caught.value.fields] == [field]


def test_the_longest_mute_is_one():
    assert End(seconds=int(LONGEST.total_seconds())).at(NOW) is not None
    assert End(moment=NOW + LONGEST).at(NOW) is not None
