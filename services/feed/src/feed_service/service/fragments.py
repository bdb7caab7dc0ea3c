"""Posts as encoded pieces, kept in the process for seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kit import deadline
from prometheus_client import Counter

from feed_service.model import Piece

Load = Callable[[Sequence[int]], Awaitable[Mapping[int, Piece]]]

OLDEST_SECONDS = 5.0
_REFRESH_SECONDS = 0.05  # how long refreshes wait for one another: nobody waits for them, and a call is dear
_REFRESHED_AT_ONCE = 32  # and so few, since pages wait while post makes and feed reads what one call brings
_AT_ONCE = 200  # ids in one call
_LOAD_SECONDS = 2.0
_NOTHING = 100  # bytes that the knowledge of a post that is gone takes

FRAGMENTS = Counter("heliograph_feed_fragments_total", "Pieces of posts looked up in the process", ["outcome"])
_HIT, _STALE, _MISS = (FRAGMENTS.labels(outcome) for outcome in ("hit", "stale", "miss"))


@dataclass(slots=True)
class _Kept:
    """`piece` is None for a post that is gone."""

    piece: Piece | None
    fresh_until: float
    until: float

    @property
    def size(self) -> int:
        return self.piece.size if self.piece else _NOTHING


@dataclass(slots=True)
class _Flight:
    """Ids that are asked for together; `landed` is what is known of them then."""

    landed: "asyncio.Future[Mapping[int, Piece]]"
    ids: dict[int, None] = field(default_factory=dict[int, None])
    sent: bool = False


class Fragments:
    """Pieces are fresh for `seconds`, give or take a quarter. An older one is answered while it is loaded anew, but
    none that is older than 5 seconds, whatever happens: then the read waits. So where no event drops a piece, that is
    how long a change may go unseen. Posts that are gone are remembered for as long.

    Many who miss the same post at once make one load, and all that is missed in one turn of the loop goes out in one
    call. With 0 seconds nothing is kept, and no call that has gone out is shared.

    `spread(low, high)` is a random number between the two.
    """

    def __init__(
        self,
        load: Load,
        *,
        seconds: float,
        most_bytes: int,
        clock: Callable[[], float],
        spread: Callable[[float, float], float],
    ) -> None:
        self._load, self._seconds, self._most_bytes = load, seconds, most_bytes
        self._clock, self._spread = clock, spread
        self._kept: dict[int, _Kept] = {}  # the one loaded last comes last
        self._bytes = 0
        self._by_account: dict[int, set[int]] = {}
        self._flights: dict[int, _Flight] = {}
        self._next: _Flight | None = None
        self._departure: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        """What there is of `ids`. Raises what `load` raises."""
        now, kept_pieces = self._clock(), self._kept
        found: dict[int, Piece] = {}
        missing: list[int] = []
        stale = 0
        for post_id in ids:
            kept = kept_pieces.get(post_id)
            if kept is None or kept.until <= now:
                missing.append(post_id)
                continue
            if kept.fresh_until <= now:
                stale += 1
                self._refresh(post_id)
            if kept.piece is not None:
                found[post_id] = kept.piece
        _HIT.inc(len(ids) - len(missing) - stale)
        if stale:
            _STALE.inc(stale)
        if missing:
            _MISS.inc(len(missing))
            found |= await self._missed(missing)
        return found

    def drop(self, post_id: int) -> None:
        """Forgets it; what is under way is not kept."""
        self._forget(post_id)
        flight = self._flights.get(post_id)
        if flight is not None and flight.sent:
            del self._flights[post_id]

    def drop_account(self, user_id: int) -> None:
        """Forgets all that shows the account. Whom the loads under way show is not known: none of them is kept."""
        for post_id in list(self._by_account.get(user_id, ())):
            self._forget(post_id)
        self._flights = {one: flight for one, flight in self._flights.items() if not flight.sent}

    def clear(self) -> None:
        self._kept.clear()
        self._by_account.clear()
        self._bytes = 0
        self._flights = {one: flight for one, flight in self._flights.items() if not flight.sent}

    async def _missed(self, ids: Sequence[int]) -> dict[int, Piece]:
        flights = {id(flight): flight for flight in [self._board(post_id) for post_id in ids]}
        if self._next is not None and id(self._next) in flights:
            self._depart_in(0)
        found: dict[int, Piece] = {}
        for flight in flights.values():
            found |= await asyncio.shield(flight.landed)
        return {post_id: found[post_id] for post_id in ids if post_id in found}

    def _refresh(self, post_id: int) -> None:
        if post_id in self._flights:
            return
        flight = self._board(post_id)
        if len(flight.ids) >= _REFRESHED_AT_ONCE:
            self._depart()
        else:
            self._depart_in(_REFRESH_SECONDS)

    def _board(self, post_id: int) -> _Flight:
        """The flight that brings the post: one under way, or the next."""
        flying = self._flights.get(post_id)
        if flying is not None:
            return flying
        if self._next is None:
            self._next = _Flight(asyncio.get_running_loop().create_future())
        flight = self._flights[post_id] = self._next
        flight.ids[post_id] = None
        if len(flight.ids) >= _AT_ONCE:
            self._depart()
        return flight

    def _depart_in(self, seconds: float) -> None:
        if self._next is None:
            return
        loop = asyncio.get_running_loop()
        if seconds == 0:
            if self._departure is not None:
                self._departure.cancel()
            self._departure = loop.call_soon(self._depart)
        elif self._departure is None:
            self._departure = loop.call_later(seconds, self._depart)

    def _depart(self) -> None:
        flight, self._next = self._next, None
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        if flight is None:
            return
        flight.sent = True
        if self._seconds <= 0:
            for post_id in flight.ids:
                del self._flights[post_id]
        loading = asyncio.create_task(self._fly(flight))
        loading.add_done_callback(lambda done: _land(flight, done))

    async def _fly(self, flight: _Flight) -> Mapping[int, Piece]:
        deadline.renew(_LOAD_SECONDS)
        sent = self._clock()
        try:
            loaded = await self._load(list(flight.ids))
            for post_id in flight.ids:
                if self._flights.get(post_id) is flight:  # else it was dropped meanwhile
                    self._keep(post_id, loaded.get(post_id), sent)
            return loaded
        finally:
            for post_id in flight.ids:
                if self._flights.get(post_id) is flight:
                    del self._flights[post_id]

    def _keep(self, post_id: int, piece: Piece | None, sent: float) -> None:
        self._forget(post_id)
        fresh = self._seconds * self._spread(0.75, 1.25)
        kept = self._kept[post_id] = _Kept(piece, sent + fresh, sent + OLDEST_SECONDS)
        self._bytes += kept.size
        for account in piece.accounts if piece else ():
            self._by_account.setdefault(account, set()).add(post_id)
        self._trim()

    def _trim(self) -> None:
        """The oldest go first."""
        now = self._clock()
        while self._kept:
            oldest = next(iter(self._kept))
            if self._bytes <= self._most_bytes and self._kept[oldest].until > now:
                return
            self._forget(oldest)

    def _forget(self, post_id: int) -> None:
        kept = self._kept.pop(post_id, None)
        if kept is None:
            return
        self._bytes -= kept.size
        for account in kept.piece.accounts if kept.piece else ():
            posts = self._by_account.get(account)
            if posts is not None:
                posts.discard(post_id)
                if not posts:
                    del self._by_account[account]


def _land(flight: _Flight, done: "asyncio.Task[Mapping[int, Piece]]") -> None:
    if done.cancelled():
        flight.landed.cancel()
    elif error := done.exception():
        flight.landed.set_exception(error)
        flight.landed.exception()  # those who wait get it; when nobody waits, nobody need hear of it
    else:
        flight.landed.set_result(done.result())
