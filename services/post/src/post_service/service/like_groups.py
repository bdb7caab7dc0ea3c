"""Likes of one post that come at the same time go into one transaction: while one is under way, the next ones gather.

A group holds each account once; what the same account asks next waits for the next group, so that its changes take
effect in their order. No timer: a like that comes alone goes at once.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from kit import deadline, telemetry
from kit.errors import DeadlineExceeded, Unavailable, from_exception

from post_service.model.changes import LikeChanged
from post_service.model.posts import PostCounts
from post_service.service.tallies import Tallies, at_once
from post_service.store import likes as rows
from post_service.store.truth import Truth

_MOST = 500
_TOLD_AT_ONCE = 32
_PATIENCE = 10.0  # seconds for a group: it has no deadline of any one caller


@dataclass(frozen=True)
class Outcome:
    """`change_id` is 0 when it was so already; the counts have the change in them."""

    change_id: int
    counts: PostCounts


@dataclass(frozen=True, eq=False)
class _Wish:
    user_id: int
    liked: bool
    outcome: "asyncio.Future[Outcome]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    context: Context = field(default_factory=copy_context)

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


@dataclass(frozen=True)
class _Queue:
    """Of one post, there while somebody waits."""

    post_id: int
    author_id: int
    waiting: deque[_Wish]

    def take(self, most: int) -> list[_Wish]:
        """The next group: of as many accounts, each in the order of its wishes, and wanting one thing only."""
        group: dict[int, list[_Wish]] = {}
        later: deque[_Wish] = deque()
        put_off: set[int] = set()
        while self.waiting and len(group) < most:
            wish = self.waiting.popleft()
            if wish.outcome.done():
                continue  # gave up
            same = group.setdefault(wish.user_id, [])
            if wish.user_id in put_off or (same and same[0].liked != wish.liked):
                put_off.add(wish.user_id)
                later.append(wish)
            else:
                same.append(wish)
        self.waiting.extendleft(reversed(later))
        return [wish for wishes in group.values() for wish in wishes]


class LikeGroups:
    """`most` accounts go into one transaction."""

    def __init__(self, truth: Truth, tallies: Tallies, most: int = _MOST) -> None:
        self._truth, self._tallies, self._most = truth, tallies, most
        self._queues: dict[int, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def change(self, post_id: int, author_id: int, user_id: int, *, liked: bool) -> Outcome:
        """Returns when it is committed. Whoever gives up meanwhile takes nobody along."""
        wish = _Wish(user_id, liked)
        queue = self._queues.get(post_id)
        if queue:
            queue.waiting.append(wish)
        else:
            queue = self._queues[post_id] = _Queue(post_id, author_id, deque([wish]))
            self._start(self._drain(queue))
        return await wish.outcome

    async def _drain(self, queue: _Queue) -> None:
        while group := queue.take(self._most):
            await self._flush(queue, group)
        del self._queues[queue.post_id]

    async def _flush(self, queue: _Queue, group: Sequence[_Wish]) -> None:
        """Never raises: whoever waits gets the error."""
        try:
            changes = await self._commit(queue, group)
        except Exception as error:  # noqa: BLE001 handed on to those who wait
            if len(group) == 1 or isinstance(from_exception(error), (Unavailable, DeadlineExceeded)):
                for wish in group:
                    wish.fail(error)
                return
            for wish in group:  # so that what is wrong with one is no other's fault
                if not wish.outcome.done():
                    await self._flush(queue, [wish])
            return
        self._start(self._tell(queue.post_id, group, changes))  # beside the next group

    async def _commit(self, queue: _Queue, group: Sequence[_Wish]) -> dict[int, LikeChanged]:
        """The changes that took effect, by account. Traces go on with the first of the group."""
        if traceparent := group[0].context.run(telemetry.traceparent):
            telemetry.adopt(traceparent)
        liking, unliking = _users(group, liked=True), _users(group, liked=False)
        with deadline.within(_PATIENCE):
            async with self._truth.transaction() as tx:
                await rows.lock(tx.conn, queue.post_id)
                added: rows.Made = await rows.add(tx.conn, queue.post_id, liking) if liking else {}
                removed: rows.Made = await rows.remove(tx.conn, queue.post_id, unliking) if unliking else {}
                changes = {
                    user_id: LikeChanged(made is added, queue.post_id, queue.author_id, user_id, at, change_id)
                    for made in (added, removed)
                    for user_id, (change_id, at) in made.items()
                }
                await tx.emit(*changes.values())
        return changes

    async def _tell(self, post_id: int, group: Sequence[_Wish], changes: dict[int, LikeChanged]) -> None:
        """Counts what is committed, for all at once, and answers those who wait."""
        try:
            counts = await at_once(self._tallies.likes_changed(post_id, changes.values())) if changes else None
            counts = counts or (await self._tallies.of_posts([post_id]))[post_id]
        except Exception as error:  # noqa: BLE001 handed on to those who wait
            for wish in group:
                wish.fail(error)
            return
        for number, wish in enumerate(group, start=1):
            change = changes.pop(wish.user_id, None)  # the first of the same wishes made it
            if not wish.outcome.done():
                wish.outcome.set_result(Outcome(change.change_id if change else 0, counts))
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)  # all who wake up now go on in one turn of the loop: the next group's steps wait

    def _start(self, work: Coroutine[None, None, None]) -> None:
        """In a context of its own: what is done for many ends with the deadline of none of them."""
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _users(group: Iterable[_Wish], *, liked: bool) -> list[int]:
    return sorted({wish.user_id for wish in group if wish.liked is liked})
