"""What is kept at hand of viewers in Redis, beside their warm timelines (store/warm.py): a hash `feed:relations:{<id>}`
and a sorted set `feed:likes:{<id>}`. Both are views that live for minutes; who finds one missing asks graph or post.

Nothing here is believed to be missing: a relation that is not in a hash that is there is none, but a hash that is not
there says nothing.
"""

import random
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any

from kit.errors import Unavailable, from_exception
from kit.hotredis import HotRedis
from redis.exceptions import RedisError

from feed_service.model import STRANGER, Entry, Glance, Likes, Relation, Relations, Slice
from feed_service.store import view_scripts as scripts
from feed_service.store.warm import KEPT_SECONDS, key_of, slice_of

_PROLONG_BELOW = KEPT_SECONDS - 24 * 3600
_CLOSED_SECONDS = 10  # longer than any build takes
_BUILD_SECONDS = 10
_RELATIONS_SECONDS = 15 * 60
_LIKES_SECONDS = 60 * 60
_LISTED = 200  # blocked accounts; likes in one answer
_MOST_LIKES = 4_000
_DIGITS = 16
_MANY = b"*"
_SETS = 1_000  # of followed authors who are pulled

Now = Callable[[], datetime]


class ViewsAtHand:
    """Reads treat an outage as nothing being there; what changes something raises Unavailable REDIS_UNAVAILABLE."""

    def __init__(self, redis: HotRedis, *, now: Now) -> None:
        self._redis, self._now = redis, now
        self._glance = redis.register_script(scripts.GLANCE)
        self._fill = redis.register_script(scripts.FILL)
        self._close = redis.register_script(scripts.CLOSE)
        self._set_pulled = redis.register_script(scripts.SET_PULLED)
        self._like = redis.register_script(scripts.LIKE)
        self._begin_likes = redis.register_script(scripts.BEGIN_LIKES)
        self._finish_likes = redis.register_script(scripts.FINISH_LIKES)

    async def glance(self, user_id: int, before: int, limit: int, stamp: bytes) -> Glance:
        """`stamp` names the set of pulled authors for which `pulled` is wanted."""
        digits = f"{user_id:016x}"
        keys = [pattern % digits for pattern in scripts.KEYS_AT_HAND]
        args = [f"{before:016x}", limit, KEPT_SECONDS, _PROLONG_BELOW, _LISTED]
        answer = await _unless_down(self._glance(keys=keys, args=args))
        return _glance(answer, limit, stamp, self._now) if answer else Glance(away=True)

    async def relations(self, user_id: int, ids: Sequence[int]) -> Mapping[int, Relation] | None:
        """None when the view is not there."""
        key = key_of(scripts.RELATIONS, user_id)
        found = await _unless_down(self._redis.execute("HMGET", key, "!of", *(f"{one:016x}" for one in ids)))
        if not found or found[0] is None:
            return None
        return _known(ids, found[1:], self._now)

    async def fill(self, user_id: int, relations: Relations, pulled: Sequence[int], stamp: bytes) -> None:
        keys = [key_of(pattern, user_id) for pattern in (scripts.RELATIONS, scripts.CLOSED)]
        flags = {one: _flags(one, relation, relations) for one, relation in relations.known.items()}
        blocked = [one for one, relation in relations.known.items() if relation.blocked]
        args = [
            _jittered(_RELATIONS_SECONDS),
            stamp,
            _pairs({one: flags[one] for one in pulled}),
            "\n".join(relations.tags),
            _MANY if len(blocked) > _LISTED else "".join(f"{one:016x}" for one in blocked),
            _pairs(flags),
        ]
        await _unless_down(self._fill(keys=keys, args=args))

    async def find_pulled(self, user_id: int, ids: Sequence[int], stamp: bytes) -> Mapping[int, Relation] | None:
        """Which of the pulled authors `ids` are followed; kept as what is so for the set named `stamp`. None when the
        view is not there."""
        key = key_of(scripts.RELATIONS, user_id)
        found = await _unless_down(self._redis.execute("HMGET", key, "!of", *(f"{one:016x}" for one in ids)))
        if not found or found[0] is None:
            return None
        flags = {one: marks.decode() for one, marks in zip(ids, found[1:], strict=True) if marks and b"f" in marks}
        await _unless_down(self._set_pulled(keys=[key], args=[stamp, _pairs(flags)]))
        return _known(list(flags), [marks.encode() for marks in flags.values()], self._now)

    async def close_relations(self, user_id: int) -> None:
        """Drops what is known; for some seconds nobody may fill it again."""
        keys = [key_of(pattern, user_id) for pattern in (scripts.RELATIONS, scripts.CLOSED)]
        await _ask(self._close(keys=keys, args=[secrets.token_hex(8), _CLOSED_SECONDS]))

    async def like(self, user_id: int, post_id: int, change_id: int, *, liked: bool) -> None:
        """In any order, any number of times: the latest change stays."""
        args = [f"{post_id:016x}", f"{change_id:016x}", int(liked), _MOST_LIKES]
        await _ask(self._like(keys=[key_of(scripts.LIKES, user_id)], args=args))

    async def begin_likes(self, user_id: int) -> str | None:
        """Announces a build: changes from now on are kept for it. None when there is no need for one."""
        mark = secrets.token_hex(8)
        args = [mark, _BUILD_SECONDS]
        begun = await _unless_down(self._begin_likes(keys=[key_of(scripts.LIKES, user_id)], args=args))
        return mark if begun else None

    async def finish_likes(
        self, user_id: int, build: str, likes: Sequence[tuple[int, int]], floor: int, since: int
    ) -> None:
        """`likes` are posts with the ids of the changes, all there are from `floor` on; all changes before `since` are
        in them."""
        packed = "".join(f"{post:016x}{change:016x}" for post, change in likes)
        args = [build, f"!r{floor:016x}{since:016x}", _jittered(_LIKES_SECONDS), packed]
        await _unless_down(self._finish_likes(keys=[key_of(scripts.LIKES, user_id)], args=args))

    async def forget(self, user_id: int) -> None:
        keys = [key_of(pattern, user_id) for pattern in (scripts.RELATIONS, scripts.LIKES)]
        await _ask(self._redis.execute("DEL", *keys))


async def _ask(asking: Awaitable[Any]) -> Any:
    """Raises Unavailable REDIS_UNAVAILABLE."""
    try:
        return await asking
    except RedisError as error:
        known = from_exception(error)
        if not isinstance(known, Unavailable):
            raise
        raise known from error


async def _unless_down(asking: Awaitable[Any]) -> Any:
    """None when Redis is."""
    try:
        return await _ask(asking)
    except Unavailable:
        return None


def _glance(answer: Any, limit: int, stamp: bytes, now: Now) -> Glance:
    members, found, mark, liked = answer
    timeline, lowest = None, 0
    if members is not None:
        timeline = slice_of(members)
        lowest = int(members[-1][:_DIGITS], 16) if len(members) == limit else 0
    likes = _likes(mark, liked, lowest) if mark and mark.startswith(b"!r") else None
    if found is None or isinstance(found, bytes):
        return Glance(timeline, None, likes, found or b"")
    return Glance(timeline, _relations(timeline, found, stamp, now), likes)


def _relations(timeline: Slice | None, found: Sequence[Any], stamp: bytes, now: Now) -> Relations:
    of, pulled, tags, blocked, *flags = found
    entries: Sequence[Entry] = timeline.entries if timeline else ()
    authors = [author_id for _, author_id in entries]
    followed: Sequence[int] | None = None
    if of == stamp:
        followed = ()
        if pulled:
            followed, marks = _pulled(pulled)
            authors, flags = [*authors, *followed], [*flags[: len(authors)], *marks]
    return Relations(
        _known(authors, flags, now),
        tags=tags.decode().split("\n") if tags else (),
        pulled=followed,
        blocked=None if blocked == _MANY else frozenset(_ids(blocked)) if blocked else _NOTHING,
    )


@lru_cache(_SETS)  # many follow the same few
def _pulled(pairs: bytes) -> tuple[tuple[int, ...], tuple[bytes, ...]]:
    """Authors, and the flags of each."""
    ids, marks = zip(*(part.split(b":") for part in pairs.split(b";")[:-1]), strict=True)
    return tuple(int(one, 16) for one in ids), marks


def _known(ids: Sequence[int], flags: Sequence[bytes | None], now: Now) -> dict[int, Relation]:
    """There may be more flags than ids."""
    if _PLAIN.keys() >= set(flags):
        return dict(zip(ids, map(_PLAIN.__getitem__, flags), strict=False))
    seconds = now().timestamp()
    return {one: _relation(marks, seconds) if marks else STRANGER for one, marks in zip(ids, flags, strict=False)}


def _likes(mark: bytes, members: Sequence[bytes], lowest: int) -> Likes:
    """Down to `lowest`, or to where the view or the answer ends."""
    floor = max(lowest, int(mark[2 : 2 + _DIGITS], 16))
    if len(members) == _LISTED:
        floor = max(floor, int(members[-1][:_DIGITS], 16))
    if not members:
        return Likes(_NOTHING, floor)
    return Likes(frozenset([int(member[:_DIGITS], 16) for member in members if member.endswith(b"1")]), floor)


def _relation(flags: bytes, now: float) -> Relation:
    """Timed mutes have their end behind them."""
    plain, _, until = flags.partition(b"m")
    return _PLAIN[flags if not until else plain + b"m" if int(until) > now else plain]


def _flags(one: int, relation: Relation, relations: Relations) -> str:
    until = (relations.muted_until or {}).get(one)
    plain = _plain(relation)
    return f"{plain}{until}" if relation.muting and until else plain


def _plain(relation: Relation) -> str:
    marks = (("f", relation.following), ("c", relation.close_friend), ("b", relation.blocked), ("m", relation.muting))
    return "".join(mark for mark, is_set in marks if is_set)


def _pairs(flags: Mapping[int, str]) -> str:
    return "".join(f"{one:016x}:{marks};" for one, marks in flags.items())


def _ids(digits: bytes) -> Sequence[int]:
    return [int(digits[at : at + _DIGITS], 16) for at in range(0, len(digits), _DIGITS)]


def _jittered(seconds: int) -> int:
    return int(seconds * random.uniform(0.75, 1))  # noqa: S311 no secret


_NOTHING = frozenset[int]()
_PLAIN: dict[bytes | None, Relation] = {
    None: STRANGER,
    **{_plain(one).encode(): one for one in (Relation(*flags) for flags in product((False, True), repeat=4))},
}
