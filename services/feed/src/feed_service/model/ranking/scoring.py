"""What a post is worth: a weighted sum of its features, each damped, and less when it was seen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from feed_service.model.ranking.features import Features

_LARGEST = 1e12  # what is larger than that is a mistake, and counts as this


@dataclass(frozen=True, slots=True)
class Weight:
    """`most` is what the feature can add at all; at `half` it adds half of that."""

    most: float
    half: float


@dataclass(frozen=True, slots=True)
class Weights:
    """The model. Its name changes with any number in it: it stands beside what was served."""

    model: str = "linear-1"
    recency: Weight = Weight(1.0, 18.0)  # hours
    likes: Weight = Weight(0.5, 20.0)
    comments: Weight = Weight(0.4, 6.0)
    affinity: Weight = Weight(1.2, 5.0)
    known_commenters: Weight = Weight(0.5, 1.0)
    place: Weight = Weight(0.3, 3.0)
    tags: Weight = Weight(0.6, 5.0)
    seen: float = 0.75  # share of the rest that a post loses


WEIGHTS = Weights()


def score_of(features: Features, weights: Weights = WEIGHTS) -> float:
    """Finite and never negative, whatever the features are; rises or stays as each of them rises, save age and `seen`,
    with which it falls or stays."""
    return _kept(features, weights) * sum(_raising(features, weights).values())


def parts_of(features: Features, weights: Weights = WEIGHTS) -> Mapping[str, float]:
    """The score by feature: they add up to it. Only `seen` is ever negative."""
    parts = dict(_raising(features, weights))
    return {**parts, "seen": (_kept(features, weights) - 1) * sum(parts.values())}


def _raising(features: Features, weights: Weights) -> Mapping[str, float]:
    return {
        "recency": weights.recency.most * 0.5 ** (_sane(features.recency) / weights.recency.half),
        "likes": _damped(features.likes, weights.likes),
        "comments": _damped(features.comments, weights.comments),
        "affinity": _damped(features.affinity, weights.affinity),
        "known_commenters": _damped(features.known_commenters, weights.known_commenters),
        "place": _damped(features.place, weights.place),
        "tags": _damped(features.tags, weights.tags),
    }


def _kept(features: Features, weights: Weights) -> float:
    return 1 - weights.seen if _sane(features.seen) > 0 else 1.0


def _damped(value: float, weight: Weight) -> float:
    """The tenth like counts for more than the hundredth."""
    grown, half = math.log1p(_sane(value)), math.log1p(weight.half)
    return weight.most * (1 - half / (grown + half))


def _sane(value: float) -> float:
    return min(value, _LARGEST) if value > 0 else 0.0  # also of what is no number
