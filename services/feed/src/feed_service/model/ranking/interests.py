"""What a viewer has shown interest in, folded from what the viewer did lately."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from kit.ids import time_of

LIKE, COMMENT, OWN_POST = 1.0, 3.0, 1.0  # points
HALF_LIFE_DAYS = 30.0
TAGS_KEPT = 10  # of one post

_DAY = 86_400.0
_CELLS_A_DEGREE = 10  # a cell is about 11 km from south to north, and less from west to east
_ALL_AROUND = 360 * _CELLS_A_DEGREE
_NEIGHBOUR = 0.5


class Cell(NamedTuple):
    """A patch of the earth, a tenth of a degree each way."""

    row: int
    column: int

    def neighbours(self) -> Iterator["Cell"]:
        """The eight around it; east of the last meridian comes the first."""
        for row in (-1, 0, 1):
            for column in (-1, 0, 1):
                if row or column:
                    yield Cell(self.row + row, (self.column + column) % _ALL_AROUND)


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that the viewer did with a post. `change_id` tells when, and which of two is the later; without points
    it was undone. `author` is a mark that only this viewer's interactions use, see `mark_of`; empty for own posts."""

    change_id: int
    points: float
    author: str = ""
    tags: tuple[str, ...] = ()
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class Interests:
    """Points, as they are worth at one moment. `beside` is the best cell beside each."""

    authors: Mapping[str, float] = field(default_factory=dict[str, float])
    tags: Mapping[str, float] = field(default_factory=dict[str, float])
    cells: Mapping[Cell, float] = field(default_factory=dict[Cell, float])
    beside: Mapping[Cell, float] = field(default_factory=dict[Cell, float])

    def near(self, cell: Cell) -> float:
        """Of the cell, and half of the best beside it, so that a border between two costs little."""
        return self.cells.get(cell, 0.0) + _NEIGHBOUR * self.beside.get(cell, 0.0)


def cell_of(latitude: float, longitude: float) -> Cell | None:
    """None for what is no place on earth."""
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90):
        return None
    return Cell(math.floor(latitude * _CELLS_A_DEGREE), math.floor((longitude + 180) * _CELLS_A_DEGREE) % _ALL_AROUND)


def mark_of(viewer_id: int, author_id: int) -> str:
    """Stands for the author in the viewer's interests. When an author's account is erased, interests of others hold no
    id of it."""
    return blake2b(author_id.to_bytes(8, "big"), key=viewer_id.to_bytes(8, "big"), digest_size=8).hexdigest()


def interests_of(interactions: Iterable[Interaction], at: datetime) -> Interests:
    """What happened by `at`, each worth half of its points after 30 days."""
    authors, tags = defaultdict[str, float](float), defaultdict[str, float](float)
    cells = defaultdict[Cell, float](float)
    for one in interactions:
        age = (at - time_of(one.change_id)).total_seconds()
        if age < 0 or one.points <= 0:
            continue
        worth = one.points * 0.5 ** (age / _DAY / HALF_LIFE_DAYS)
        if one.author:
            authors[one.author] += worth
        for tag in set(one.tags):
            tags[tag] += worth
        if one.cell:
            cells[one.cell] += worth
    return Interests(dict(authors), dict(tags), dict(cells), _beside(cells))


def _beside(cells: Mapping[Cell, float]) -> Mapping[Cell, float]:
    best: dict[Cell, float] = {}
    for cell, points in cells.items():
        for one in cell.neighbours():
            best[one] = max(points, best.get(one, 0.0))
    return best
