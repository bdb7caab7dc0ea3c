from datetime import UTC, datetime, timedelta

import pytest
from feed_service.model import (
    TOP,
    Chunk,
    Entry,
    buckets,
    chunks,
    followed_at_us,
    merge,
    micros,
    pack,
    parse_token,
    parse_viewer,
    unfollowed_at_us,
    unpack,
)
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from kit.ids import first_at, time_of

ids = st.integers(min_value=1, max_value=TOP)
slices = st.lists(st.lists(st.integers(1, 50)).map(lambda posts: [Entry(post, 7) for post in sorted(set(posts))[::-1]]))


@given(slices, st.integers(1, 60))
def test_a_merge_is_the_newest_of_all_each_once(several: list[list[Entry]], limit: int) -> None:
    everything = sorted({entry.post_id for entries in several for entry in entries}, reverse=True)

    merged = merge([entries[:limit] for entries in several], limit)

    assert [entry.post_id for entry in merged] == everything[:limit]


@given(st.lists(ids, max_size=2500))
def test_chunks_hold_every_follower_once_and_at_most_a_thousand(followers: list[int]) -> None:
    cut = chunks(Entry(1, 2), 3, pack(followers))

    assert [one for chunk in cut for one in unpack(chunk.followers)] == followers
    assert all(0 < len(unpack(chunk.followers)) <= 1000 for chunk in cut)
    assert all(chunk == Chunk(Entry(1, 2), chunk.followers, 3) for chunk in cut)


@pytest.mark.parametrize("token", ["x", "-1", "0", "01", "1.5", str(TOP + 1), "９"])
def test_a_token_that_no_page_gave_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        parse_token(token)


def test_no_token_is_the_first_page() -> None:
    assert parse_token("") == TOP


def test_nobody_has_no_home_feed() -> None:
    with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
        parse_viewer(0)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_a_later_change_wins_and_in_doubt_the_follow(first: int, second: int) -> None:
    unfollow, follow = first << 16, second << 16

    assert (followed_at_us(follow) > unfollowed_at_us(unfollow)) == (time_of(follow) >= time_of(unfollow))


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_an_authors_buckets_hold_all_its_posts_newest_first(registered: int, posted: int) -> None:
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    author, post = (first_at(epoch + timedelta(days=days)) for days in (registered, registered + posted))
    now = time_of(post) + timedelta(days=1)

    years = list(buckets(author, TOP, now))

    assert time_of(post).year in years
    assert years == sorted(years, reverse=True)
    assert len(years) <= 2 + (now.year - time_of(author).year)


def test_write_times_are_whole_microseconds() -> None:
    assert micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
