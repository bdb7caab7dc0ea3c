"""The ranked order, as pure functions: what counts for a post, what it is worth, and who comes after whom."""

from feed_service.model.ranking.diversity import spread
from feed_service.model.ranking.features import FEATURES, Features, PostFacts, ViewerFacts, measure
from feed_service.model.ranking.interests import Cell, Interaction, Interests, cell_of, interests_of, mark_of
from feed_service.model.ranking.rankings import RankedPost, Ranking, rank, scored
from feed_service.model.ranking.scoring import WEIGHTS, Weights, parts_of, score_of

__all__ = [
    "FEATURES",
    "WEIGHTS",
    "Cell",
    "Features",
    "Interaction",
    "Interests",
    "PostFacts",
    "RankedPost",
    "Ranking",
    "ViewerFacts",
    "Weights",
    "cell_of",
    "interests_of",
    "mark_of",
    "measure",
    "parts_of",
    "rank",
    "score_of",
    "scored",
    "spread",
]
