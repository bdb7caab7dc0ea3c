from datetime import UTC, datetime, timedelta, timezone

import pytest
from heliograph.batch.v1.batch_pb2 import Call, ManyRequest
from hypothesis import given
from hypothesis import strategies as st
from kit import proto


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 zone given
def test_a_time_survives_the_wire(moment: datetime) -> None:
    assert proto.datetime_of(proto.timestamp(moment)) == moment


def test_other_zones_come_back_as_the_same_moment_in_utc() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    back = proto.datetime_of(proto.timestamp(moment))
    assert (back, back.tzinfo) == (moment, UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        proto.timestamp(datetime(2026, 1, 1))  # noqa: DTZ001 what the test is about


def test_members_that_follow_one_another_are_one_message() -> None:
    long = "x" * 20_000
    parts = [proto.member(1, Call(method=name).SerializeToString()) for name in ("a", long, "")]
    assert [call.method for call in ManyRequest.FromString(b"".join(parts)).calls] == ["a", long, ""]
