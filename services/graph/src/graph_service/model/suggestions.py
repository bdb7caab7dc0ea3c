"""Whom a viewer may want to follow: those whom the accounts they follow follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import e, log

MOST = 100


@dataclass(frozen=True)
class Candidate:
    """`mutual` of those whom the viewer follows follow it, `mutual_ids` are the newest few of them. `followers` of it
    may be some seconds old."""

    user_id: int
    mutual: int
    mutual_ids: tuple[int, ...]
    followers: int


def score(candidate: Candidate) -> float:
    """What many people share with everybody says little about two of them: an account of a million followers needs
    about five times the mutual ones that an account of ten needs."""
    return candidate.mutual / log(e + candidate.followers)


def ranked(candidates: Sequence[Candidate], size: int) -> list[Candidate]:
    """The best `size`, the newest account first of equal ones."""
    return sorted(candidates, key=lambda each: (score(each), each.user_id), reverse=True)[:size]
