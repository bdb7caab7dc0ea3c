"""Rotating the signing key: nobody is logged out, and no key goes while a token of its may live."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from user_service.model.keys import TokenRules, lives
from user_service.settings import KeyTimes
from user_service.store.keys import KeyFolder
from user_service.wiring.keys import key_command

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = TokenRules(timedelta(minutes=15), timedelta(minutes=2))
NEEDED = timedelta(minutes=2 + 15 + 1, seconds=30)


class Operator:
    """Gives commands at a time of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW

    def says(self, *words: str) -> None:
        command = key_command([*words, "--dir", str(self.folder)], lambda: self.now)
        assert command
        assert command.body(KeyTimes()) is None

    def kids(self) -> list[str]:
        return [key.kid for key in KeyFolder(self.folder).load()]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    found = Operator(tmp_path / "keys")
    found.says()
    found.now += timedelta(days=1)
    return found


def test_the_only_key_signs_at_once_and_is_always_needed() -> None:
    (only,) = lives([("a", NOW)], RULES, NOW)
    assert (only.signs, only.needed(NOW + timedelta(days=999))) == (True, True)


def test_a_new_key_signs_once_it_has_settled_and_the_old_one_is_needed_for_a_token_longer() -> None:
    made = [("new", NOW), ("old", NOW - timedelta(days=1))]
    before = lives(made, RULES, NOW + timedelta(seconds=119))
    after = lives(made, RULES, NOW + timedelta(seconds=120))
    assert [key.kid for key in (*before, *after) if key.signs] == ["old", "new"]
    old = after[1]
    assert old.needed(NOW + NEEDED - timedelta(seconds=1))
    assert not old.needed(NOW + NEEDED)


def test_rotating_adds_a_key_and_leaves_the_old_one(operator: Operator) -> None:
    (old,) = operator.kids()
    operator.says("rotate")
    new, kept = operator.kids()
    assert (kept, new != old) == (old, True)


def test_rotating_twice_in_a_hurry_is_refused(operator: Operator) -> None:
    operator.says("rotate")
    with pytest.raises(SystemExit, match="does not sign yet"):
        operator.says("rotate")
    operator.now += timedelta(minutes=2)
    operator.says("rotate")
    assert len(operator.kids()) == 3


def test_a_key_is_retired_when_no_token_of_its_can_live(operator: Operator) -> None:
    (old,) = operator.kids()
    operator.says("rotate")
    operator.now += NEEDED - timedelta(seconds=1)
    with pytest.raises(SystemExit, match="its tokens may live until"):
        operator.says("retire", old)
    operator.now += timedelta(seconds=1)
    operator.says("retire", old)
    assert old not in operator.kids()


def test_the_newest_key_and_an_unknown_one_are_not_retired(operator: Operator) -> None:
    (only,) = operator.kids()
    with pytest.raises(SystemExit, match="newest"):
        operator.says("retire", only)
    for unknown in ("nope", "../nope", ""):
        with pytest.raises(SystemExit, match="no key"):
            operator.says("retire", unknown)


def test_the_list_tells_what_each_key_does(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    operator.says("rotate")
    capsys.readouterr()
    seen: list[Sequence[str]] = []
    for later in (timedelta(), timedelta(minutes=2), NEEDED):
        operator.now += later
        operator.says("list")
        seen.append([line.split("Z  ", 1)[1].split(" ")[0] for line in capsys.readouterr().out.splitlines()])
    assert seen == [["will", "signs"], ["signs", "verifies"], ["signs", "can"]]


@pytest.mark.parametrize("words", [["burn"], ["retire"], ["list", "x"], ["rotate", "now"]])
def test_what_is_no_command_is_none(words: list[str]) -> None:
    assert key_command(words, lambda: NOW) is None
