"""Who comes after whom: by score, but not one author after the other."""

from bisect import insort
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from typing import Protocol, TypeVar

WINDOW = 8  # posts looked back
FALLING = 0.6  # what a post is worth beside one of the same author there, beside two the square of it, ...


class Scored(Protocol):
    @property
    def post_id(self) -> int: ...
    @property
    def author_id(self) -> int: ...
    @property
    def score(self) -> float: ...


S = TypeVar("S", bound=Scored)


_Head = tuple[float, int, int]
"""An author's best post that has no place yet: less its score, less its id, the author. Sorts the best first, the
newest where two are alike."""


def spread(posts: Sequence[S]) -> list[S]:
    """All of them, each place given to the post that is worth the most there: its score, times FALLING for each post of
    the same author among the WINDOW before. The order of `posts` makes no difference. Scores must be finite and not
    negative."""
    queues: dict[int, deque[S]] = defaultdict(deque)
    for post in sorted(posts, key=_best_first):
        queues[post.author_id].append(post)
    heads = sorted(_head(queue[0]) for queue in queues.values())
    placed: list[S] = []
    beside = Counter[int]()
    while heads:
        _, _, author_id = heads.pop(_best(heads, beside))
        queue = queues[author_id]
        placed.append(queue.popleft())
        if queue:
            insort(heads, _head(queue[0]))
        beside[author_id] += 1
        if len(placed) > WINDOW:
            beside[placed[-1 - WINDOW].author_id] -= 1
    return placed


def _best(heads: Sequence[_Head], beside: Counter[int]) -> int:
    """Nothing is worth more than its score: no need to look at what has less than the best one's worth."""
    best, most = 0, -1.0
    for at, (minus_score, _, author_id) in enumerate(heads):
        if -minus_score <= most:
            break
        worth = -minus_score * FALLING ** beside[author_id]
        if worth > most:
            best, most = at, worth
    return best


def _head(post: Scored) -> _Head:
    return (*_best_first(post), post.author_id)


def _best_first(post: Scored) -> tuple[float, int]:
    return -post.score, -post.post_id
