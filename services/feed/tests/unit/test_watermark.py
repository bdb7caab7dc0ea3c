"""Whatever is heard, late, lost or never: no piece shows what others have been able to see changed for five seconds."""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from feed_service.model import OPEN, Entry, Mention, Piece, piece
from feed_service.service import batches
from feed_service.service.fragments import OLDEST_SECONDS, Fragments, Keeping
from feed_service.service.watermark import Watermark
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kit.errors import Unavailable
from kit.testing import eventually

POSTS, AUTHOR, MENTIONED = (1, 2, 3), 10, 11
MOST_LATE = 8.0  # seconds that copies may be behind: with the time of a load less than what a change unsettles
MOST_SLOW = 1.9  # seconds that a load may take

post = st.sampled_from(POSTS)
Step = tuple[str, float, int]


def steps(name: str, most_seconds: float = 0.0) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), st.floats(0, most_seconds), post)


step: st.SearchStrategy[Step] = st.one_of(
    *[steps("look", 2.4)] * 4, steps("edit", MOST_LATE), steps("account", MOST_LATE), steps("hear"), steps("hear"),
    steps("miss"), steps("slow", MOST_SLOW), steps("pass_", 6.0),
)  # fmt: skip


@dataclass
class Truth:
    """Changes of posts, and of an account that all of them show or hide: `seen_from` is when the copies that loads are
    answered from have each. Loads take `slow` seconds."""

    now: float = 0.0
    slow: float = 0.0
    seen_from: dict[int, list[float]] = field(default_factory=lambda: {one: [0.0] for one in POSTS})
    unheard: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """With 0 for the account."""
    under_way: list[tuple[float, asyncio.Event]] = field(default_factory=list[tuple[float, asyncio.Event]])

    def __call__(self) -> float:
        return self.now

    def change(self, late: float, *post_ids: int) -> None:
        for one in post_ids:
            self.seen_from[one].append(max(self.now + late, self.seen_from[one][-1]))
        self.unheard.append((self.now, post_ids[0] if len(post_ids) == 1 else 0))

    def version(self, post_id: int, at: float) -> int:
        return max((number for number, seen in enumerate(self.seen_from[post_id]) if seen <= at), default=0)

    async def pieces(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        found = {one: self._piece(one) for one in ids}
        await self._answer()
        return found

    async def counts(self, ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        found = dict.fromkeys(ids, (int(self.now), 0))
        await self._answer()
        return found

    async def _answer(self) -> None:
        if self.slow:
            self.under_way.append((self.now + self.slow, answered := asyncio.Event()))
            await answered.wait()

    async def passes(self, seconds: float) -> None:
        """With all that ends meanwhile, at its time."""
        end = self.now + seconds
        while due := min((one for one in self.under_way if one[0] <= end), key=lambda one: one[0], default=None):
            self.under_way.remove(due)
            self.now = max(self.now, due[0])
            due[1].set()
            await turns()
        self.now = end

    def _piece(self, post_id: int) -> Piece:
        version = self.version(post_id, self.now)
        shown = [Mention(MENTIONED, "ann")] if version % 2 else []
        hidden = [] if shown else [MENTIONED]
        body = b'"title":%d' % version
        return piece(Entry(post_id, AUTHOR), OPEN, author=b"{}", body=body, mentions=shown, hidden=hidden)


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def shown(one: Piece) -> int:
    return int(one.opening.partition(b'"title":')[2].partition(b",")[0])


@pytest.fixture(autouse=True, scope="module")
def no_patience() -> Generator[None]:
    """What is ordered goes out in the same turn of the loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_PATIENT_SECONDS", 0)
        yield


LOOKS: Sequence[Step] = [("look", 2.0, 1)] * 10


@example([*LOOKS, ("edit", MOST_LATE, 1), ("hear", 0, 1), *LOOKS], 1_000_000)  # copies are late
@example([*LOOKS, ("edit", 0, 1), *LOOKS], 1_000_000)  # never heard
@example([("slow", MOST_SLOW, 1), *LOOKS, ("account", 1, 1), ("hear", 0, 1), *LOOKS], 700)
@given(st.lists(step, min_size=20, max_size=60), st.sampled_from([700, 1_000_000]))
@settings(max_examples=400, deadline=None)
def test_what_has_changed_shows_within_five_seconds(played: Sequence[Step], most_bytes: int) -> None:
    asyncio.run(_play(played, most_bytes))


async def _play(played: Sequence[Step], most_bytes: int) -> None:
    game = Game(most_bytes)
    for name, seconds, post_id in played:
        await getattr(game, name)(seconds, post_id)
    await game.pass_(10)
    await asyncio.gather(*game.reads)


class Game:
    """`look` lets time pass, moves the watermark as far as it goes and has somebody read all posts."""

    def __init__(self, most_bytes: int) -> None:
        self.truth = Truth()
        keeping = Keeping(fresh=2, lasting=30, most_bytes=most_bytes)
        self.fragments = Fragments(self.truth, keeping, clock=self.truth, spread=lambda low, _: low)
        self.reads: list[asyncio.Task[None]] = []

    async def look(self, seconds: float, _: int) -> None:
        await self.truth.passes(seconds)
        unheard = self.truth.unheard
        self.fragments.heard_until(unheard[0][0] if unheard else self.truth.now)
        self.reads += [asyncio.create_task(self._read(one)) for one in POSTS]
        await turns()

    async def edit(self, late: float, post_id: int) -> None:
        self.truth.change(late, post_id)

    async def account(self, late: float, _: int) -> None:
        self.truth.change(late, *POSTS)

    async def hear(self, _: float, __: int) -> None:
        if self.truth.unheard:
            _, changed = self.truth.unheard.pop(0)
            self.fragments.drop(changed) if changed else self.fragments.drop_account(MENTIONED)

    async def miss(self, _: float, __: int) -> None:
        self.truth.unheard.clear()
        self.fragments.clear()

    async def slow(self, seconds: float, _: int) -> None:
        self.truth.slow = seconds

    async def pass_(self, seconds: float, _: int = 0) -> None:
        await self.truth.passes(seconds)

    async def _read(self, post_id: int) -> None:
        least = self.truth.version(post_id, self.truth.now - OLDEST_SECONDS)
        assert shown((await self.fragments.get([post_id]))[post_id]) >= least


@dataclass
class Sources:
    """Every look at the clock and every question takes a second."""

    at: float = 0.0
    asked: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    moved: list[float] = field(default_factory=list[float])
    fails: bool = False

    def clock(self) -> float:
        self.at += 1
        return self.at

    async def published(self) -> None:
        self.asked.append(("published", self.clock()))
        if self.fails:
            raise Unavailable("NOT_PUBLISHED", "away")

    async def heard(self) -> None:
        self.asked.append(("heard", self.clock()))

    def watermark(self) -> Watermark:
        return Watermark(self.published, self.heard, self.moved.append, self.clock)


async def test_it_moves_to_when_the_look_began() -> None:
    sources = Sources()
    running = asyncio.create_task(sources.watermark().run())

    async def has_moved() -> bool:
        return bool(sources.moved)

    await eventually(has_moved)
    running.cancel()
    (first, first_at), (second, second_at) = sources.asked[:2]
    assert (first, second) == ("published", "heard")
    assert sources.moved[0] < first_at < second_at


async def test_it_stands_while_nothing_is_known() -> None:
    sources = Sources(fails=True)
    running = asyncio.create_task(sources.watermark().run())
    await asyncio.sleep(1.5)
    assert not running.done()
    running.cancel()
    assert [what for what, _ in sources.asked] == ["published"] * 2
    assert sources.moved == []
