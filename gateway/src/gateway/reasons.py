"""Why a post is where it is, in plain words. Numbers and the reader's own doings only: nobody else is named."""

from collections.abc import Callable, Mapping

from heliograph.feed.v1.feed_pb2 import ExplainPostResponse

from gateway.schemas.ranking import Reason, Reasons

_OFTEN = 5.0  # points of affinity, as many as likes lately
_DAY = 24.0  # hours
_DIGITS = 4


def reasons_of(found: ExplainPostResponse) -> Reasons:
    items = [
        Reason(one.feature, _text(one.feature, one.value), round(one.contribution, _DIGITS)) for one in found.reasons
    ]
    return Reasons(items, round(found.score, _DIGITS))


def _text(feature: str, value: float) -> str:
    """Total: a feature that a newer service has is a reason, too."""
    return _TEXTS[feature](value) if feature in _TEXTS else "Another reason"


def _age(hours: float) -> str:
    if hours < 1:
        return "Posted within the last hour"
    if hours < 2 * _DAY:
        return f"Posted {_some(hours, 'hour')} ago"
    return f"Posted {_some(hours / _DAY, 'day')} ago"


def _affinity(points: float) -> str:
    often = "often " if points >= _OFTEN else ""
    return f"You {often}like or comment on this person's posts"


def _commenters(count: float) -> str:
    return f"{_some(count, 'person', 'people')} you follow commented"


def _some(count: float, one: str, many: str = "") -> str:
    return f"1 {one}" if int(count) == 1 else f"{int(count)} {many or one + 's'}"


_TEXTS: Mapping[str, Callable[[float], str]] = {
    "recency": _age,
    "likes": lambda count: _some(count, "like"),
    "comments": lambda count: _some(count, "comment"),
    "affinity": _affinity,
    "known_commenters": _commenters,
    "place": lambda _: "Near places you post from, or whose posts you like",
    "tags": lambda _: "Has tags that you follow, or whose posts you like",
    "seen": lambda _: "You have seen it already",
}
