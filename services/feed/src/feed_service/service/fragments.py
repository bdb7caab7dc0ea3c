"""Posts as encoded pieces, kept in the process for seconds."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kit.errors import DomainError
from prometheus_client import Counter

from feed_service.model import Piece
from feed_service.service.batches import Batch, Batches
from feed_service.service.lately import Lately

OLDEST_SECONDS = 5.0
_COUNTS_SECONDS = 5.0
_UNSETTLED_SECONDS = 10.0  # after a change was heard: caches that pieces are made from may still be from before it
_NOTHING = 100  # bytes that the knowledge of a post that is gone takes

FRAGMENTS = Counter("heliograph_feed_fragments_total", "Pieces of posts looked up in the process", ["outcome"])
ASKED = Counter("heliograph_feed_fragments_asked_total", "Pieces of posts asked for", ["what"])
_HIT, _STALE, _MISS = (FRAGMENTS.labels(outcome) for outcome in ("hit", "stale", "miss"))
_WHOLE, _COUNTS = (ASKED.labels(what) for what in ("whole", "counts"))


class Source(Protocol):
    """At most 200 ids in a call."""

    async def pieces(self, ids: Sequence[int]) -> Mapping[int, Piece]: ...

    async def counts(self, ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        """Likes and comments of each."""
        ...


class Keeping(NamedTuple):
    """In seconds: how long a piece is fresh, and how long it is good but for its counts while the watermark moves."""

    fresh: float
    lasting: float
    most_bytes: int


@dataclass(slots=True)
class _Kept:
    """`piece` is None for a post that is gone. It is good until `until`, and until `lasts` while the watermark moves.
    When it is no longer fresh, another one is asked for, or new counts."""

    piece: Piece | None
    fresh_until: float
    until: float
    lasts: float

    @property
    def size(self) -> int:
        return self.piece.size if self.piece else _NOTHING

    def is_over(self, now: float) -> bool:
        return self.until <= now and self.lasts <= now


class Fragments:
    """Pieces are fresh for `keeping.fresh` seconds, give or take a quarter. An older one is answered while it is made
    new, but none that is older than 5 seconds, whatever happens: then the read waits. So where no event drops a piece,
    that is how long a change may go unseen. Posts that are gone are remembered for as long.

    **Watermark.** `heard_until(t)` says that all that had changed before the time t has been dropped here. So a piece
    from before t is as good as one that was loaded at t, but for its counts, of which there are no events: these alone
    are asked for when they are five seconds old, which costs a fraction, and no read waits for them. Two pieces are
    always loaded whole: one older than `keeping.lasting`, give or take a quarter, so that what nobody has thought of
    ends; and one that was asked for less than ten seconds after a change of it was heard, as what it was made from may
    have been a copy from before.

    Many who miss the same post at once make one load, and all that is missed in one turn of the loop goes out in one
    call. With 0 seconds nothing is kept, and no call that has gone out is shared.

    `spread(low, high)` is a random number between the two.
    """

    def __init__(
        self, source: Source, keeping: Keeping, *, clock: Callable[[], float], spread: Callable[[float, float], float]
    ) -> None:
        self._source, self._keeping, self._clock, self._spread = source, keeping, clock, spread
        self._kept: dict[int, _Kept] = {}  # the one loaded last comes last
        self._bytes = 0
        self._by_account: dict[int, set[int]] = {}
        self._heard_until = float("-inf")
        self._posts, self._accounts = (Lately(_UNSETTLED_SECONDS, clock) for _ in range(2))
        self._settled_from = float("-inf")
        shared = keeping.fresh > 0
        self._whole = Batches(self._load, self._keep, clock=clock, shared=shared)
        self._counts = Batches(self._recount, self._keep_counted, clock=clock, shared=shared)

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        """What there is of `ids`. Raises what `source` raises."""
        now, kept_pieces = self._clock(), self._kept
        found: dict[int, Piece] = {}
        missing: list[int] = []
        stale, all_heard = 0, self._heard_until > now - OLDEST_SECONDS
        for post_id in ids:
            kept = kept_pieces.get(post_id)
            if kept is None or (kept.until <= now and not (all_heard and kept.lasts > now)):
                missing.append(post_id)
                continue
            if kept.fresh_until <= now:
                stale += 1
                self._batches_for(kept, now).order(post_id)
            if kept.piece is not None:
                found[post_id] = kept.piece
        _HIT.inc(len(ids) - len(missing) - stale)
        if stale:
            _STALE.inc(stale)
        if missing:
            _MISS.inc(len(missing))
            found |= await self._landed(self._whole.join(missing), missing)
        return found

    def heard_until(self, time: float) -> None:
        """By `clock`. All that changed before has been dropped."""
        self._heard_until = max(self._heard_until, time)

    def drop(self, post_id: int) -> None:
        """Forgets it; what is under way is not kept."""
        self._posts.add(post_id)
        self._forget(post_id)
        self._whole.drop(post_id)
        self._counts.drop(post_id)

    def drop_account(self, user_id: int) -> None:
        """Forgets all that shows the account. Whom the loads under way show is not known: none of them is kept."""
        self._accounts.add(user_id)
        for post_id in list(self._by_account.get(user_id, ())):
            self._forget(post_id)
        self._drop_loads()

    def clear(self) -> None:
        """Changes may have passed unheard."""
        self._settled_from = self._clock() + _UNSETTLED_SECONDS
        self._kept.clear()
        self._by_account.clear()
        self._bytes = 0
        self._drop_loads()

    def _drop_loads(self) -> None:
        self._whole.drop_all()
        self._counts.drop_all()

    def _batches_for(self, kept: _Kept, now: float) -> Batches[Piece]:
        """New counts are enough for a piece that lasts, while the watermark moves."""
        lasts = kept.lasts > now and self._heard_until > now - OLDEST_SECONDS / 2
        return self._counts if lasts else self._whole

    @staticmethod
    async def _landed(batches: Sequence[Batch[Piece]], ids: Sequence[int]) -> dict[int, Piece]:
        """What the batches bring of `ids`."""
        found: dict[int, Piece] = {}
        for batch in batches:
            found |= await asyncio.shield(batch.landed)
        return {post_id: found[post_id] for post_id in ids if post_id in found}

    async def _load(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        _WHOLE.inc(len(ids))
        return await self._source.pieces(ids)

    async def _recount(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        """The kept pieces with new counts. Whole ones of those that were dropped meanwhile, and of all where post does
        not answer: an older one knows no counts alone."""
        bases = {one: kept.piece for one in ids if (kept := self._kept.get(one)) and kept.piece}
        _COUNTS.inc(len(bases))
        counts: Mapping[int, tuple[int, int]] = {}
        if bases:
            with suppress(DomainError):
                counts = await self._source.counts(list(bases))
        found = {one: bases[one].counted(*numbers) for one, numbers in counts.items()}
        rest = [one for one in ids if one not in found]
        return {**found, **await self._landed(self._whole.join(rest), rest)} if rest else found

    def _keep(self, post_id: int, piece: Piece | None, sent: float) -> None:
        self._forget(post_id)
        until = sent + OLDEST_SECONDS
        is_settled = piece is not None and self._is_settled(post_id, piece, sent)
        lasts = sent + self._keeping.lasting * self._spread(0.75, 1.25) if is_settled else sent
        fresh = _COUNTS_SECONDS if is_settled else self._keeping.fresh
        kept = self._kept[post_id] = _Kept(piece, sent + fresh * self._spread(0.75, 1.25), until, lasts)
        self._bytes += kept.size
        for account in piece.accounts if piece else ():
            self._by_account.setdefault(account, set()).add(post_id)
        self._trim()

    def _keep_counted(self, post_id: int, piece: Piece | None, sent: float) -> None:
        """If it is the kept one but for its counts. What was loaded whole meanwhile is kept already, and newer."""
        kept = self._kept.get(post_id)
        if not (kept and kept.piece and piece) or piece.opening is not kept.piece.opening:
            return
        self._bytes += piece.size - kept.size
        kept.piece = piece
        kept.until = max(kept.until, min(sent, self._heard_until) + OLDEST_SECONDS)
        kept.fresh_until = max(kept.fresh_until, sent + _COUNTS_SECONDS * self._spread(0.75, 1.25))

    def _is_settled(self, post_id: int, piece: Piece, sent: float) -> bool:
        """Whether it shows what is committed for certain, and events will tell of what changes: none was heard lately,
        nor may one have passed unheard, and it is no post that waits for its media."""
        if self._keeping.lasting <= 0 or self._heard_until <= sent - OLDEST_SECONDS or sent < self._settled_from:
            return False
        if piece.demand.author or self._posts.has(post_id, sent):
            return False
        return not any(self._accounts.has(account, sent) for account in piece.accounts)

    def _trim(self) -> None:
        """The oldest go first."""
        now = self._clock()
        while self._kept:
            oldest = next(iter(self._kept))
            if self._bytes <= self._keeping.most_bytes and not self._kept[oldest].is_over(now):
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
