import pytest
from gateway.limits import DEFAULT_QUOTAS, RouteClass, Subject, buckets_for, headers_of, parse_quotas
from kit.limits import LocalBuckets
from kit.quotas import Bucket, Quota

USER = Bucket("read-user", "u", Quota(3, 30))
ADDRESS = Bucket("read-address", "a", Quota(5, 30))


def test_headers_are_structured_fields():
    headers = dict(headers_of(LocalBuckets().take([USER, ADDRESS], 0)))
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
    assert [bucket.key for bucket in buckets_for(DEFAULT_QUOTAS, RouteClass.MEDIA, owners)] == [
        "gateway:limit:media:address:192.0.2.1"
    ]
