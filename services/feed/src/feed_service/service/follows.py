"""What a follow and its end do to the follower's home timeline."""

from collections.abc import Callable, Sequence
from datetime import datetime

from kit.errors import Unavailable

from feed_service.model import TOP, Chunk, Entry, Lane, followed_at_us, micros, oldest_kept, pack, unfollowed_at_us
from feed_service.service.fanout_ports import Marks
from feed_service.service.ports import Authors, Home, Tasks, Warm

_STEP = 500
_MOST_REMOVED = 500  # rows one by one, of which each leaves a tombstone for reads to pass
_RECENT_US = 60_000_000  # longer than a push takes, and than clocks are apart


class Follows:
    """Repeated, late and reordered events do no harm: rows carry the time of their change, so that the later change
    wins, and only rows that are there are removed. What is left over is filtered at read."""

    def __init__(
        self, home: Home, warm: Warm, authors: Authors, marks: Marks, tasks: Tasks, *, now: Callable[[], datetime]
    ) -> None:
        self._home, self._warm, self._authors, self._marks = home, warm, authors, marks
        self._tasks, self._now = tasks, now

    async def followed(self, follower_id: int, followee_id: int, change_id: int) -> None:
        """Brings the author's posts in, the newest at once. Those older than rows are kept are pulled at read, and so
        is everything of an author above the threshold."""
        mark = await self._marks.of(followee_id)
        if mark is not None and not mark.needs_rows(micros(self._now())):
            return
        floor, before, at_us = oldest_kept(self._now()), TOP, followed_at_us(change_id)
        while True:
            step = await self._authors.slice(followee_id, before, _STEP)
            kept = [entry for entry in step if entry.post_id >= floor]
            await self._home.add(follower_id, kept, at_us)
            await self._cool(follower_id, kept, at_us)
            if len(kept) < _STEP:
                return
            before = kept[-1].post_id

    async def unfollowed(self, follower_id: int, followee_id: int, change_id: int) -> None:
        """The rows' end is for good order: reads ask graph who is followed."""
        gone = await self._home.of_author(follower_id, followee_id)
        await remove(self._home, follower_id, gone, unfollowed_at_us(change_id))
        await self._cool(follower_id, (), 0)

    async def blocked(self, blocker_id: int, blocked_id: int, change_id: int) -> None:
        await self.unfollowed(blocker_id, blocked_id, change_id)
        await self.unfollowed(blocked_id, blocker_id, change_id)

    async def _cool(self, user_id: int, added: Sequence[Entry], at_us: int) -> None:
        """The next read warms the timeline up again. Without Redis the late lane brings what was added into it once it
        is back; what was removed may stay."""
        try:
            await self._warm.drop(user_id)
        except Unavailable:
            await self._tasks.emit(Lane.LATE, [Chunk(entry, pack([user_id]), at_us) for entry in added])


async def remove(home: Home, user_id: int, rows: Sequence[Entry], at_us: int) -> None:
    """Rows one by one, until there were so many that the whole timeline goes at once, to be built anew by the next
    read: reads pass a bounded number of tombstones however often somebody follows and unfollows.

    The newest minute stays, so that no post is lost whose event was told by a clock that is behind; of those rows some
    may be too many.
    """
    if not rows:
        return
    if await home.count_removed(user_id, len(rows)) > _MOST_REMOVED:
        await home.empty(user_id, at_us - _RECENT_US)
    else:
        await home.remove(user_id, rows, at_us)
