from dataclasses import dataclass, field

from kit.breaker import Breaker, State


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Rig:
    clock: Clock = field(default_factory=Clock)
    seen: list[State] = field(default_factory=list[State])

    def breaker(self) -> Breaker:
        return Breaker(self.clock, self.seen.append, limit=3, rest=1, longest_rest=3)

    def opened(self) -> Breaker:
        breaker = self.breaker()
        for _ in range(3):
            assert breaker.admit()
            breaker.failed()
        return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    rig = Rig()
    breaker = rig.opened()
    assert not breaker.admit()
    assert rig.seen == [State.OPEN]


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Rig().breaker()
    for outcome in (breaker.failed, breaker.failed, breaker.succeeded, breaker.failed, breaker.failed):
        outcome()
    assert breaker.admit()


def test_after_its_rest_it_lets_one_call_probe() -> None:
    rig = Rig()
    breaker = rig.opened()
    rig.clock.now = 1
    assert [breaker.admit() for _ in range(3)] == [True, False, False]
    assert breaker.state is State.HALF_OPEN


def test_a_probe_that_succeeds_closes_it() -> None:
    rig = Rig()
    breaker = rig.opened()
    rig.clock.now = 1
    breaker.admit()
    breaker.succeeded()
    assert [breaker.admit() for _ in range(3)] == [True, True, True]
    assert rig.seen == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_each_probe_that_fails_doubles_the_rest_up_to_a_limit() -> None:
    rig = Rig()
    breaker = rig.opened()
    rests: list[float] = []
    for _ in range(4):
        before = rig.clock.now
        while not breaker.admit():
            rig.clock.now += 0.5
        rests.append(rig.clock.now - before)
        breaker.failed()
    assert rests == [1, 2, 3, 3]


def test_a_probe_that_was_given_up_leaves_the_turn_to_the_next() -> None:
    rig = Rig()
    breaker = rig.opened()
    rig.clock.now = 1
    breaker.admit()
    breaker.dropped()
    assert [breaker.admit() for _ in range(2)] == [True, False]


def test_a_call_given_up_while_closed_changes_nothing() -> None:
    rig = Rig()
    rig.breaker().dropped()
    assert rig.seen == []
