"""What `keys` does: it makes, lists, rotates and retires the keys that sign access tokens."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from kit.process import Command

from user_service.model.keys import KeyLife, TokenRules, lives
from user_service.settings import KeySettings, KeyTimes
from user_service.store.keys import KeyFolder

Clock = Callable[[], datetime]


def key_command(arguments: Sequence[str], clock: Clock) -> Command[Any] | None:
    """Of what follows `keys`; None when it cannot be understood. Without a word it makes the first key."""
    words, folder = list(arguments), None
    if len(words) >= 2 and words[-2] == "--dir":
        words, folder = words[:-2], Path(words[-1])
    known: dict[tuple[str, int], Callable[[KeyFolder, TokenRules], None]] = {
        ("", 0): lambda keys, _: _create_first(keys, clock),
        ("list", 1): lambda keys, rules: _list(keys, rules, clock),
        ("rotate", 1): lambda keys, rules: _rotate(keys, rules, clock),
        ("retire", 2): lambda keys, rules: _retire(keys, words[1], rules, clock),
    }
    body = known.get((words[0] if words else "", len(words)))
    if body is None:
        return None
    if folder is None:
        return Command(KeySettings, lambda settings: body(KeyFolder(settings.token_keys_dir), settings.tokens))
    return Command(KeyTimes, lambda settings: body(KeyFolder(folder), settings.tokens))


def _create_first(folder: KeyFolder, clock: Clock) -> None:
    folder.create_first(clock)


def _list(folder: KeyFolder, rules: TokenRules, clock: Clock) -> None:
    now = clock()
    for key in _lives(folder, rules, now):
        _say(f"{key.kid}  made {_when(key.made_at)}  {_state(key, now)}")


def _rotate(folder: KeyFolder, rules: TokenRules, clock: Clock) -> None:
    """A second key before the first has settled would not make anything quicker."""
    now = clock()
    before = _lives(folder, rules, now)
    if len(before) > 1 and not before[0].signs:
        _refuse(f"the newest key, {before[0].kid}, does not sign yet: it will from {_when(before[0].signs_from)} on")
    _say(f"{folder.create(clock)} made: it signs from {_when(now + rules.settling)} on")


def _retire(folder: KeyFolder, kid: str, rules: TokenRules, clock: Clock) -> None:
    now = clock()
    key = next((key for key in _lives(folder, rules, now) if key.kid == kid), None)
    if key is None:
        _refuse(f"there is no key {kid}")
    if key.needed_until is None:
        _refuse("it is the newest key: rotate first")
    if key.needed(now):
        _refuse(f"its tokens may live until {_when(key.needed_until)}")
    folder.remove(kid)
    _say(f"{kid} retired")


def _lives(folder: KeyFolder, rules: TokenRules, now: datetime) -> list[KeyLife]:
    return lives([(key.kid, key.made_at) for key in folder.load()], rules, now)


def _state(key: KeyLife, now: datetime) -> str:
    if key.signs:
        return "signs"
    if key.needed_until is None or key.signs_from > now:
        return f"will sign from {_when(key.signs_from)} on"
    return f"verifies until {_when(key.needed_until)}" if key.needed(now) else "can be retired"


def _when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _refuse(why: str) -> NoReturn:
    sys.exit(f"refused: {why}")
