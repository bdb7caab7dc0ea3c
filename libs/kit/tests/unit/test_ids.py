from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import ids
from kit.errors import FieldViolation, InvalidArgument

IDS = st.integers(1, 2**63 - 1)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(5000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 zone given


@given(IDS)
def test_an_id_reads_as_it_is_written(entity_id: int) -> None:
    assert ids.parse(str(entity_id)) == entity_id


@given(st.text(max_size=25))
def test_nothing_but_the_one_spelling_is_read(text: str) -> None:
    try:
        value = ids.parse(text)
    except InvalidArgument:
        return
    assert str(value) == text
    assert 0 < value < 2**63


@pytest.mark.parametrize("text", ["", "0", "01", "+1", "-1", " 1", "1\n", "1_0", "٣", str(2**63), "9" * 30])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ids.parse(text, field="/author_id")
    assert caught.value.reason == "BAD_ID"
    assert caught.value.fields == (FieldViolation("/author_id", "not an id"),)


@given(MOMENTS, st.integers(0, 2**16 - 1))
def test_an_id_knows_its_millisecond(moment: datetime, low: int) -> None:
    made = ids.time_of(ids.first_at(moment) | low)
    assert timedelta(0) <= moment - made < timedelta(milliseconds=1)


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert ids.first_at(earlier) <= ids.first_at(later)


def test_ids_of_four_decades_fit_int64() -> None:
    assert ids.first_at(datetime(2066, 1, 1, tzinfo=UTC)) < 2**63
