"""The life of a signing key: it waits until everybody knows it, signs, then verifies until its last token is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RELOAD = timedelta(seconds=30)
"""How often processes look for new keys."""

_LEEWAY = timedelta(minutes=1)
"""How wrong clocks may be: of those who sign, and of those who check."""


@dataclass(frozen=True)
class TokenRules:
    """A new key signs only after `settling`: by then every process has loaded it and none is asked for a key it does
    not know. It must be longer than RELOAD. The only key signs at once."""

    lifetime: timedelta
    settling: timedelta

    def over_by(self, now: datetime) -> datetime:
        """When the last access token made until `now` is over, by any gateway's clock."""
        return now + self.lifetime + _LEEWAY


@dataclass(frozen=True)
class KeyLife:
    """`needed_until` is None for the newest key, which is always needed."""

    kid: str
    made_at: datetime
    signs_from: datetime
    signs: bool
    needed_until: datetime | None

    def needed(self, now: datetime) -> bool:
        """Whether taking it away could make a token that lives worthless."""
        return self.needed_until is None or self.needed_until > now


def lives(made: Sequence[tuple[str, datetime]], rules: TokenRules, now: datetime) -> list[KeyLife]:
    """Of the keys with these ids, the newest first."""
    found: list[KeyLife] = []
    signer = next((kid for kid, at in made if at + rules.settling <= now), made[-1][0] if made else "")
    for place, (kid, made_at) in enumerate(made):
        successor = made[place - 1][1] if place else None
        until = successor + rules.settling + RELOAD + rules.lifetime + _LEEWAY if successor else None
        found.append(KeyLife(kid, made_at, made_at + rules.settling, kid == signer, until))
    return found
