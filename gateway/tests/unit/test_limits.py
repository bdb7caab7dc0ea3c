"""GCRA: a burst up to the quota, then one request an interval."""

import pytest
from gateway.limits import (
    DEFAULT_QUOTAS,
    MICROS,
    Bucket,
    LocalBuckets,
    Quota,
    RouteClass,
    Subject,
    buckets_for,
    parse_quotas,
)
from hypothesis import given
from hypothesis import strategies as st

USER = Bucket("read-user", "u", Quota(3, 30))
ADDRESS = Bucket("read-address", "a", Quota(5, 30))


def test_a_full_bucket_gives_its_whole_quota_at_once_and_no_more():
    buckets = LocalBuckets()
    assert [buckets.take([USER], 0).allowed for _ in range(5)] == [True, True, True, False, False]


def test_each_answer_tells_what_is_left():
    buckets = LocalBuckets()
    assert [buckets.take([USER], 0).standings[0].remaining for _ in range(4)] == [2, 1, 0, 0]
    assert buckets.take([USER], 0).standings[0].full_in == 30


def test_a_refused_request_may_come_back_after_one_interval():
    buckets = LocalBuckets()
    for _ in range(3):
        buckets.take([USER], 0)
    assert buckets.take([USER], 0).retry_after == 10
    assert not buckets.take([USER], 10 * MICROS - 1).allowed
    assert buckets.take([USER], 10 * MICROS).allowed


def test_a_refused_request_takes_from_none_of_its_buckets():
    buckets = LocalBuckets()
    verdicts = [buckets.take([USER, ADDRESS], 0) for _ in range(10)]
    assert (verdicts[-1].allowed, verdicts[-1].blamed) == (False, "read-user")
    assert buckets.take([ADDRESS], 0).standings[0].remaining == 1


def test_the_oldest_buckets_are_forgotten_first():
    buckets = LocalBuckets(capacity=2)
    for key in ("a", "b", "c"):
        buckets.take([Bucket("n", key, Quota(1, 60))], 0)
    assert buckets.take([Bucket("n", "a", Quota(1, 60))], 0).allowed
    assert not buckets.take([Bucket("n", "c", Quota(1, 60))], 0).allowed


@given(st.integers(1, 50), st.integers(1, 60), st.lists(st.integers(0, 5 * MICROS), max_size=200))
def test_no_window_ever_sees_more_than_the_quota_and_its_refill(amount: int, seconds: int, pauses: list[int]):
    bucket, buckets, now, allowed = Bucket("n", "k", Quota(amount, seconds)), LocalBuckets(), 0, list[int]()
    for pause in pauses:
        now += pause
        if buckets.take([bucket], now).allowed:
            allowed.append(now)
    window = seconds * MICROS
    assert all(sum(1 for at in allowed if start <= at < start + window) <= 2 * amount for start in allowed)


def test_headers_are_structured_fields():
    headers = dict(LocalBuckets().take([USER, ADDRESS], 0).headers())
    assert headers[b"ratelimit-policy"] == b'"read-user";q=3;w=30, "read-address";q=5;w=30'
    assert headers[b"ratelimit"] == b'"read-user";r=2;t=10, "read-address";r=4;t=6'


def test_settings_change_single_quotas():
    changed = parse_quotas("read.user=5/10, auth.address=2/60")
    assert changed[RouteClass.READ, Subject.USER] == Quota(5, 10)
    assert changed[RouteClass.AUTH, Subject.ADDRESS] == Quota(2, 60)
    assert changed[RouteClass.WRITE, Subject.USER] == DEFAULT_QUOTAS[RouteClass.WRITE, Subject.USER]


@pytest.mark.parametrize("text", ["x", "read.user", "read.user=1", "read.user=0/1", "read.user=1/0", "cat.user=1/1"])
def test_settings_that_cannot_be_read_are_refused(text: str):
    with pytest.raises(ValueError, match=r"\w"):
        parse_quotas(text)


def test_a_request_takes_from_the_buckets_of_its_class_alone():
    owners = {Subject.ADDRESS: "192.0.2.1", Subject.USER: "7"}
    assert [bucket.key for bucket in buckets_for(DEFAULT_QUOTAS, RouteClass.AUTH, owners)] == [
        "gateway:limit:auth:address:192.0.2.1"
    ]
