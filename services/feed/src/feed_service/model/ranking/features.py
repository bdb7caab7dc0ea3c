"""What counts for a post in a viewer's ranked feed, by name."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from kit.ids import time_of

from feed_service.model.ranking.interests import Cell, Interests, mark_of

FOLLOWED_TAG = 3.0  # points; as much as three likes of posts that have it
_TAGS_COUNTED = 3  # a post gains nothing by having all tags there are


@dataclass(frozen=True, slots=True)
class PostFacts:
    """What is the same for all viewers. `commenters` are those of late."""

    post_id: int
    author_id: int
    likes: int = 0
    comments: int = 0
    tags: Sequence[str] = ()
    cell: Cell | None = None
    commenters: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """`known` are the accounts that the viewer follows and does not mute; `seen` the posts that were on the screen."""

    viewer_id: int
    interests: Interests = field(default_factory=Interests)
    followed_tags: frozenset[str] = frozenset()
    known: frozenset[int] = frozenset()
    seen: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Features:
    """Measured, each in a unit of its own, none of them negative."""

    recency: float = 0.0  # age in hours
    likes: float = 0.0
    comments: float = 0.0
    affinity: float = 0.0  # points of what the viewer did with the author's posts
    known_commenters: float = 0.0  # accounts
    place: float = 0.0  # points near to it
    tags: float = 0.0  # points of its tags
    seen: float = 0.0  # 1 or 0

    def named(self) -> dict[str, float]:
        return asdict(self)


FEATURES = tuple(one.name for one in fields(Features))


def measure(post: PostFacts, viewer: ViewerFacts, at: datetime) -> Features:
    """Nobody's own comments and affinity to oneself count. A post from the future is one of now."""
    interests = viewer.interests
    return Features(
        recency=max(0.0, (at - time_of(post.post_id)).total_seconds() / 3600),
        likes=float(max(0, post.likes)),
        comments=float(max(0, post.comments)),
        affinity=interests.authors.get(mark_of(viewer.viewer_id, post.author_id), 0.0),
        known_commenters=float(len((set(post.commenters) & viewer.known) - {viewer.viewer_id, post.author_id})),
        place=interests.near(post.cell) if post.cell and interests.cells else 0.0,
        tags=_of_tags(post.tags, viewer),
        seen=float(post.post_id in viewer.seen),
    )


def _of_tags(tags: Sequence[str], viewer: ViewerFacts) -> float:
    followed, liked = viewer.followed_tags, viewer.interests.tags
    points = (liked.get(tag, 0.0) + (FOLLOWED_TAG if tag in followed else 0.0) for tag in set(tags))
    return sum(sorted(points, reverse=True)[:_TAGS_COUNTED])
