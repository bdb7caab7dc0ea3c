from gateway.idempotency import Records
from redis.asyncio import Redis


def test_a_body_is_recognised_by_whoever_has_the_key_alone():
    redis = Redis()
    ours, again, theirs = (Records(redis, key) for key in (b"k" * 16, b"k" * 16, b"l" * 16))
    body = b'{"password": "correct horse"}'
    assert ours.fingerprint(body) == again.fingerprint(body)
    assert ours.fingerprint(body) != theirs.fingerprint(body)
    assert ours.fingerprint(body) != ours.fingerprint(body + b" ")
