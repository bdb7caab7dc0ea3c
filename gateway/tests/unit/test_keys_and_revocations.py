"""Keys are asked for seldom, revocations never forgotten."""

import asyncio
import json
from collections.abc import Callable

import pytest
from gateway.keys import Keys
from gateway.revocations import Revocations
from heliograph.user.v1.user_pb2 import ListRevocationsRequest, ListRevocationsResponse
from joserfc.jwk import ECKey, OKPKey
from kit.errors import Unavailable


class Publisher:
    """A user service with these keys."""

    def __init__(self, *kids: str) -> None:
        self.kids, self.asked, self.down = list(kids), 0, False
        self.hang: Callable[[], object] = lambda: None

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        self.hang()
        if self.down:
            raise Unavailable("DOWN", "down")
        keys = [{**OKPKey.generate_key("Ed25519").as_dict(private=False), "kid": kid} for kid in self.kids]
        return json.dumps({"keys": keys})


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_keys_are_fetched_once_for_many_requests():
    publisher = Publisher("a")
    keys = Keys(publisher, Clock())
    found = await asyncio.gather(*(keys.key("a") for _ in range(20)))
    assert all(found)
    assert publisher.asked == 1


async def test_an_unknown_key_is_looked_for_at_most_every_two_seconds():
    publisher, clock = Publisher("a"), Clock()
    keys = Keys(publisher, clock)
    assert [await keys.key("b") for _ in range(5)] == [None] * 5
    assert publisher.asked == 1
    publisher.kids.append("b")
    clock.now += 2
    assert await keys.key("b")


async def test_old_keys_serve_while_new_ones_cannot_be_had():
    publisher, clock = Publisher("a"), Clock()
    keys = Keys(publisher, clock)
    await keys.key("a")
    publisher.down = True
    clock.now += 3600
    assert await keys.key("a")


async def test_requests_do_not_queue_up_behind_a_publisher_that_hangs():
    publisher, clock = Publisher("a"), Clock()
    keys = Keys(publisher, clock)
    await keys.key("a")
    publisher.down = True
    publisher.hang = lambda: setattr(clock, "now", clock.now + 3)
    clock.now += 301
    assert all(await asyncio.gather(*(keys.key("a") for _ in range(20))))
    assert publisher.asked == 2


async def test_a_key_that_is_withdrawn_is_gone_within_minutes():
    publisher, clock = Publisher("a"), Clock()
    keys = Keys(publisher, clock)
    await keys.key("a")
    publisher.kids = ["b"]
    clock.now += 301
    assert await keys.key("a") is None


async def test_without_any_key_it_is_told():
    publisher = Publisher("a")
    publisher.down = True
    with pytest.raises(Unavailable):
        await Keys(publisher, Clock()).key("a")


async def test_keys_of_other_kinds_are_left_out():
    async def publish() -> str:
        elliptic = {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "a"}
        return json.dumps({"keys": [elliptic, {"kty": "oct", "k": "AAAA", "kid": "b"}, {"kty": "OKP", "kid": "c"}]})

    keys = Keys(publish, Clock())
    assert [await keys.key(kid) for kid in "abc"] == [None] * 3


async def test_revocations_are_read_to_the_end_and_kept_until_tokens_have_died():
    clock, asked = Clock(), list[int]()

    async def fetch(request: ListRevocationsRequest) -> ListRevocationsResponse:
        asked.append(request.after_revision)
        answer = ListRevocationsResponse(revision=min(request.after_revision + 1, 3))
        if request.after_revision < 3:
            answer.revocations.add(session_id=request.after_revision).expires_at.FromSeconds(int(clock.now) + 900)
        return answer

    revocations = Revocations(fetch, clock)
    with pytest.raises(Unavailable):
        await revocations.check()
    await revocations.refresh()
    await revocations.check()
    assert asked == [0, 1, 2, 3]
    assert [revocations.holds(session) for session in range(4)] == [True, True, True, False]
    clock.now += 899
    await revocations.refresh()
    assert revocations.holds(0)
    clock.now += 120
    await revocations.refresh()
    assert not revocations.holds(0)
    assert asked[-2:] == [3, 3]
