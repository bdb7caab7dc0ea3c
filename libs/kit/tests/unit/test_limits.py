"""GCRA: a burst up to the quota, then one request an interval."""

from hypothesis import given
from hypothesis import strategies as st
from kit.limits import LocalBuckets
from kit.quotas import MICROS, Bucket, Quota

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


def test_what_is_given_back_can_be_taken_again():
    buckets = LocalBuckets()
    for _ in range(3):
        buckets.take([USER], 0)
    buckets.give_back([USER], 0)
    assert [buckets.take([USER], 0).allowed for _ in range(2)] == [True, False]


def test_nothing_given_back_makes_a_bucket_more_than_full():
    buckets = LocalBuckets()
    buckets.take([USER], 0)
    for _ in range(5):
        buckets.give_back([USER], 0)
    assert [buckets.take([USER], 0).allowed for _ in range(4)] == [True, True, True, False]
