"""A social graph with posts, the same for the same shape: who follows whom, who posted what and when.

Accounts are numbers from 0. The first ones are celebrities, and the lower a number, the better known the account: how
many follow it falls with the square root of its number (a power law). How many it follows does not depend on that.
"""

import heapq
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kit.ids import first_at

_JOINED = first_at(datetime(2025, 1, 1, tzinfo=UTC))
_STEP = 1 << 16  # a millisecond of ids
_WORDS = (
    "morning", "light", "harbour", "coffee", "window", "rain", "garden", "market", "bridge", "river", "stone",
    "train", "winter", "first", "last", "bread", "again", "north", "slow", "walk", "little", "blue", "kitchen",
    "evening", "cloud", "letter", "old", "new", "house", "field", "summer", "paper", "friend",
)  # fmt: skip
_TAGS = ("dusk", "film", "food", "travel", "street", "dogs", "sea", "bikes", "books", "snow")


@dataclass(frozen=True)
class Shape:
    """`follows` and `posts` are means for one account. `photos` of the posts have a picture in `variants` sizes. The
    first `composers` accounts have `spare_media` pictures each, ready to be posted; `viewers` are the accounts that
    read, drawn from all but the celebrities."""

    users: int = 20_000
    celebrities: int = 5
    follows: int = 40
    posts: int = 3
    days: int = 30
    photos: float = 0.12
    variants: int = 3
    viewers: int = 1_000
    likes: int = 10
    composers: int = 100
    spare_media: int = 40
    seed: int = 1
    until: datetime = field(default_factory=lambda: datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


@dataclass(frozen=True, slots=True)
class Entry:
    """A post: `post_id` carries its time, `author` is a number."""

    post_id: int
    author: int


class Social:
    """The graph of a shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.following = _follows(shape)
        self.posts = _posts(shape)
        rng = random.Random(f"{shape.seed} viewers")  # noqa: S311 the same for the same seed
        ordinary = range(shape.celebrities, shape.users)
        self.viewers = rng.sample(ordinary, min(shape.viewers, len(ordinary)))
        self._of_author: dict[int, list[Entry]] = {}
        for entry in self.posts:
            self._of_author.setdefault(entry.author, []).append(entry)

    @property
    def composers(self) -> range:
        return range(min(self.shape.composers, self.shape.users))

    def of_author(self, author: int) -> Sequence[Entry]:
        """The oldest first."""
        return self._of_author.get(author, ())

    def home(self, viewer: int, limit: int) -> list[Entry]:
        """The newest posts of the viewer and of whom the viewer follows: a home feed by its definition."""
        authors = (viewer, *self.following[viewer])
        newest = itertools.chain.from_iterable(self.of_author(author)[-limit:] for author in authors)
        return heapq.nlargest(limit, newest, key=lambda entry: entry.post_id)

    def followers(self) -> list[int]:
        """How many follow each account."""
        counts = [0] * self.shape.users
        for followed in self.following:
            for account in followed:
                counts[account] += 1
        return counts

    def liked(self) -> Iterator[tuple[int, int]]:
        """Posts and the numbers of the accounts that like them: viewers, of what they may find in their feeds."""
        rng = random.Random(f"{self.shape.seed} likes")  # noqa: S311 no secret
        for viewer in self.viewers:
            feed = self.home(viewer, 40)
            for entry in rng.sample(feed, min(self.shape.likes, len(feed))):
                yield entry.post_id, viewer


@dataclass(frozen=True, slots=True)
class Words:
    """What a post says."""

    title: str
    caption: str
    tags: tuple[str, ...]
    place: str | None


def words_of(shape: Shape, post_id: int) -> Words:
    rng = random.Random(f"{shape.seed} {post_id}")  # noqa: S311 no secret
    said = " ".join(rng.choices(_WORDS, k=rng.randint(4, 18))).capitalize()
    tags = tuple(rng.sample(_TAGS, rng.choice((0, 0, 1, 2))))
    title = " ".join(rng.sample(_WORDS, 2)).capitalize() if rng.random() < 0.2 else ""
    place = rng.choice(_WORDS).capitalize() if rng.random() < 0.1 else None
    return Words(title, " ".join([said + ".", *(f"#{tag}" for tag in tags)]), tags, place)


def has_photo(shape: Shape, post_id: int) -> bool:
    return random.Random(f"{shape.seed} photo {post_id}").random() < shape.photos  # noqa: S311 no secret


def account_id(number: int) -> int:
    return _JOINED + number * _STEP + number % 977


def name_of(number: int) -> str:
    return f"member_{number:06d}"


def _follows(shape: Shape) -> list[list[int]]:
    """Of each account whom it follows, celebrities first: nearly all follow the first, three of four the last."""
    rng = random.Random(f"{shape.seed} follows")  # noqa: S311 no secret
    span = max(1, shape.celebrities - 1)
    shares = [0.95 - 0.2 * rank / span for rank in range(shape.celebrities)]
    first, others = shape.celebrities, shape.users - shape.celebrities
    found: list[list[int]] = []
    for account in range(shape.users):
        known = [star for star, share in enumerate(shares) if rng.random() < share]
        wanted = min(others - 1, max(5, int(rng.gammavariate(4, shape.follows / 4))))
        ordinary: set[int] = set()
        while len(ordinary) < wanted:
            ordinary.add(first + int(others * rng.random() ** 2))
        found.append([one for one in (*known, *sorted(ordinary)) if one != account])
    return found


def _posts(shape: Shape) -> list[Entry]:
    """The oldest first. Celebrities post ten times as much as others."""
    rng = random.Random(f"{shape.seed} posts")  # noqa: S311 no secret
    start, span = shape.until - timedelta(days=shape.days), shape.days * 86_400_000
    made: list[tuple[int, int]] = []
    for author in range(shape.users):
        mean = shape.posts * (10 if author < shape.celebrities else 1)
        made += [(rng.randrange(span), author) for _ in range(1 + int(rng.expovariate(1 / max(mean - 0.5, 0.5))))]
    first = first_at(start)
    return [Entry(first + at * _STEP + number % _STEP, author) for number, (at, author) in enumerate(sorted(made))]
