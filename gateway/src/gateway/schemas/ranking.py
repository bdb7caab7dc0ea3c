"""The ranked feed: what was seen of it, and why a post is where it is."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from pydantic import ConfigDict, Field

from gateway.schemas.requests import Body, Id

MOST_SEEN = 200


class SeenPosts(Body):
    """Posts that were on the screen; `order` is that of the feed they were in, if they were in one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"post_ids": ["116045278314958850"], "order": "top"}]})

    post_ids: Annotated[list[Id], Field(max_length=MOST_SEEN)]
    order: Literal["latest", "top"] | None = None


class Recorded(Struct, frozen=True):
    recorded: Annotated[int, Meta(description="How many of them were not known as seen")]


class Reason(Struct, frozen=True):
    feature: Annotated[str, Meta(description="A stable name; there may be more of them some day")]
    text: str
    contribution: Annotated[float, Meta(description="Its part of the score; negative when the post went down for it")]


class Reasons(Struct, frozen=True):
    """The most important first."""

    items: list[Reason]
    score: float


RANKING_EXAMPLES: dict[str, dict[str, Any]] = {
    "Reasons": {
        "items": [
            {"feature": "recency", "text": "Posted 3 hours ago", "contribution": 0.8909},
            {"feature": "affinity", "text": "You often like or comment on this person's posts", "contribution": 0.61},
        ],
        "score": 1.5009,
    },
    "Recorded": {"recorded": 1},
}
