"""Comments: one level of replies."""

from dataclasses import dataclass
from datetime import datetime

from post_service.model.errors import invalid
from post_service.model.posts import Mention

TEXT_MAX = 2_200


@dataclass(frozen=True)
class Comment:
    """`reply_to` is 0 unless it hangs under another comment, which then hangs under none; `reply_to_author_id` is the
    author of the comment that was answered, who need not be that one's."""

    id: int
    post_id: int
    post_author_id: int
    author_id: int
    text: str
    reply_to: int
    reply_to_author_id: int
    mentions: tuple[Mention, ...]
    created_at: datetime
    deleted: bool


@dataclass(frozen=True)
class CommentCounts:
    likes: int = 0
    replies: int = 0


def thread_of(target: Comment) -> int:
    """The comment that an answer to `target` hangs under: an answer to an answer joins its thread."""
    return target.reply_to or target.id


def check_text(text: str) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if not text.strip():
        raise invalid("/text", "empty")
    if len(text) > TEXT_MAX:
        raise invalid("/text", f"longer than {TEXT_MAX} characters")
    if "\0" in text:
        raise invalid("/text", "holds a NUL character")
