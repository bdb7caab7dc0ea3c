"""A ranking: candidates in the order in which they are to be read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from feed_service.model.ranking.diversity import spread
from feed_service.model.ranking.features import Features, PostFacts, ViewerFacts, measure
from feed_service.model.ranking.scoring import WEIGHTS, Weights, score_of


@dataclass(frozen=True, slots=True)
class RankedPost:
    post_id: int
    author_id: int
    score: float
    features: Features


@dataclass(frozen=True, slots=True)
class Ranking:
    """`posts` are all candidates from `low` (inclusive) to `before` (exclusive) that there were at `as_of`."""

    session: bytes
    posts: Sequence[RankedPost]
    as_of: datetime
    before: int
    low: int


def scored(post: PostFacts, viewer: ViewerFacts, at: datetime, weights: Weights = WEIGHTS) -> RankedPost:
    features = measure(post, viewer, at)
    return RankedPost(post.post_id, post.author_id, score_of(features, weights), features)


def rank(posts: Iterable[PostFacts], viewer: ViewerFacts, at: datetime) -> Sequence[RankedPost]:
    """Each once, best first, authors spread. The order of `posts` makes no difference."""
    return spread([scored(post, viewer, at) for post in {post.post_id: post for post in posts}.values()])
