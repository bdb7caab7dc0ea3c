"""Posts as encoded pieces: the same for all who may see them; what hangs on the viewer is put in last."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from feed_service.model.timelines import Entry
from feed_service.model.viewers import Demand


@dataclass(frozen=True, slots=True)
class Mention:
    user_id: int
    username: str

    def encoded(self) -> bytes:
        return b'{"id":"%d","username":%s}' % (self.user_id, json.dumps(self.username, ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class Place:
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One post. `opening` and `closing` are its JSON before and after the mentions, up to the viewer's own members."""

    entry: Entry
    demand: Demand
    opening: bytes
    closing: bytes
    mentions: Sequence[Mention]
    likes: int
    comments: int
    tags: Sequence[str]
    place: Place | None
    encoded: bytes
    """With all of the mentions."""
    hidden: Sequence[int] = ()
    """Accounts that are mentioned and not active, so that they are not shown."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return 2 * len(self.encoded) + 600

    @property
    def accounts(self) -> Sequence[int]:
        """Those whose change changes it."""
        return (self.entry.author_id, *(mention.user_id for mention in self.mentions), *self.hidden)

    def counted(self, likes: int, comments: int) -> "Piece":
        """With these counts."""
        if likes == self.likes and comments == self.comments:
            return self
        closing = _closing(likes, comments)
        whole = _joined(self.opening, self.mentions, closing)
        return replace(self, closing=closing, likes=likes, comments=comments, encoded=whole)

    def without(self, accounts: Collection[int]) -> bytes:
        """Encoded, with none of these among the mentions."""
        return _joined(self.opening, [one for one in self.mentions if one.user_id not in accounts], self.closing)


class Shown(NamedTuple):
    """A post on a page, as one viewer sees it. `encoded` lacks the viewer's own members."""

    piece: Piece
    liked: bool
    encoded: bytes


def piece(
    entry: Entry,
    demand: Demand,
    *,
    author: bytes,
    body: bytes,
    mentions: Sequence[Mention] = (),
    hidden: Sequence[int] = (),
    likes: int = 0,
    comments: int = 0,
    tags: Sequence[str] = (),
    place: Place | None = None,
) -> Piece:
    """`author` is a JSON object, `body` the members from "title" to "edited_at" without braces."""
    opening = b'{"id":"%d","author":%s,%s,"mentions":[' % (entry.post_id, author, body)
    closing = _closing(likes, comments)
    whole = _joined(opening, mentions, closing)
    return Piece(entry, demand, opening, closing, mentions, likes, comments, tags, place, whole, hidden)


def compose(posts: Sequence[Shown]) -> bytes:
    """A JSON array of the posts, in their order."""
    return b"[" + b",".join([encoded + (_LIKED if liked else _NOT_LIKED) for _, liked, encoded in posts]) + b"]"


def _closing(likes: int, comments: int) -> bytes:
    return b'],"counts":{"likes":%d,"comments":%d},"viewer":' % (likes, comments)


def _joined(opening: bytes, mentions: Sequence[Mention], closing: bytes) -> bytes:
    return opening + b",".join([mention.encoded() for mention in mentions]) + closing


_LIKED, _NOT_LIKED = (b'{"liked":%s,"saved":false}}' % word for word in (b"true", b"false"))
