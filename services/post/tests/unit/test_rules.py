"""Bounds of what may be said, and what the worker does next."""

from datetime import UTC, datetime

import pytest
from kit.errors import InvalidArgument
from post_service.model.comments import Comment, check_text, thread_of
from post_service.model.media import (
    Announcement,
    Focus,
    Kind,
    Limits,
    MediaState,
    Medium,
    Step,
    check_announcement,
    check_focus,
    next_step,
    settled,
)
from post_service.model.posts import Content, Location, check_content, check_media_ids
from post_service.model.visibility import Audience

LIMITS = Limits(image_bytes=1000, video_bytes=5000)
SHA = "ab" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def medium(state: MediaState, place: str = "", *, old_place: str = "", post_id: int = 1) -> Medium:
    return Medium(
        id=2, author_id=3, kind=Kind.IMAGE, content_type="image/jpeg", bytes=1, sha256=SHA, alt_text="", focus=Focus(),
        state=state, reason="", blurhash="", width=0, height=0, place=place, next_place="", old_place=old_place,
        variants=(), post_id=post_id, attempts=0, created_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "content_type", "size", "sha256", "field"),
    [
        (Kind.IMAGE, "image/gif", 10, SHA, "/content_type"),
        (Kind.IMAGE, "video/mp4", 10, SHA, "/content_type"),
        (Kind.IMAGE, "image/jpeg", 0, SHA, "/bytes"),
        (Kind.IMAGE, "image/jpeg", 1001, SHA, "/bytes"),
        (Kind.VIDEO, "video/mp4", 5001, SHA, "/bytes"),
        (Kind.IMAGE, "image/jpeg", 10, SHA.upper(), "/sha256"),
        (Kind.IMAGE, "image/jpeg", 10, SHA[:-1], "/sha256"),
    ],
)
def test_an_announcement_out_of_bounds_is_refused(
    kind: Kind, content_type: str, size: int, sha256: str, field: str
) -> None:
    with pytest.raises(InvalidArgument) as raised:
        check_announcement(Announcement(kind, content_type, size, sha256, ""), LIMITS)
    assert raised.value.fields[0].field == field


def test_announcements_within_bounds_pass() -> None:
    check_announcement(Announcement(Kind.IMAGE, "image/webp", 1000, SHA, "a cat"), LIMITS)
    check_announcement(Announcement(Kind.VIDEO, "video/quicktime", 5000, SHA, ""), LIMITS)


@pytest.mark.parametrize("focus", [Focus(-0.1, 0.5), Focus(0.5, 1.1), Focus(float("nan"), 0.5)])
def test_a_focal_point_outside_the_picture_is_refused(focus: Focus) -> None:
    with pytest.raises(InvalidArgument):
        check_focus(focus)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Content("x" * 101, "", None, Audience.PUBLIC, comments_off=False), "/title"),
        (Content("", "x" * 2201, None, Audience.PUBLIC, comments_off=False), "/caption"),
        (Content("", "a\0b", None, Audience.PUBLIC, comments_off=False), "/caption"),
        (Content("", "", Location("", 1, 1), Audience.PUBLIC, comments_off=False), "/location/name"),
        (Content("", "", Location("x", 90.1, 1), Audience.PUBLIC, comments_off=False), "/location/lat"),
        (Content("", "", Location("x", 1, -180.1), Audience.PUBLIC, comments_off=False), "/location/lon"),
        (Content("", "", Location("x", float("nan"), 1), Audience.PUBLIC, comments_off=False), "/location/lat"),
    ],
)
def test_content_out_of_bounds_is_refused(content: Content, field: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        check_content(content)
    assert raised.value.fields[0].field == field


def test_a_post_has_1_to_20_different_media() -> None:
    check_media_ids(tuple(range(1, 21)))
    for ids in ((), tuple(range(1, 22)), (1, 2, 1)):
        with pytest.raises(InvalidArgument):
            check_media_ids(ids)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2201, "a\0"])
def test_a_comment_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        check_text(text)


def test_an_answer_to_an_answer_joins_its_thread() -> None:
    first = Comment(10, 1, 2, 3, "a", 0, 0, (), NOW, deleted=False)
    answer = Comment(11, 1, 2, 3, "b", 10, 3, (), NOW, deleted=False)
    assert thread_of(first) == 10
    assert thread_of(answer) == 10


@pytest.mark.parametrize(
    ("found", "for_all", "step"),
    [
        (medium(MediaState.WAITING), True, Step.NOTHING),
        (medium(MediaState.CHECKING), True, Step.PROCESS),
        (medium(MediaState.RESIZING, "public/a"), False, Step.PROCESS),
        (medium(MediaState.TRANSCODING), True, Step.PROCESS),
        (medium(MediaState.READY, "public/a"), True, Step.NOTHING),
        (medium(MediaState.READY, "public/a"), False, Step.MOVE),
        (medium(MediaState.READY, "private/a"), True, Step.MOVE),
        (medium(MediaState.READY, "public/a", post_id=0), True, Step.NOTHING),
        (medium(MediaState.READY, "public/a", post_id=0), False, Step.MOVE),
        (medium(MediaState.READY, "public/a", old_place="private/b"), True, Step.DROP_OLD_PLACE),
        (medium(MediaState.REFUSED), True, Step.PURGE),
        (medium(MediaState.DELETED, "public/a"), True, Step.PURGE),
    ],
)
def test_the_worker_knows_what_to_do_next(found: Medium, for_all: bool, step: Step) -> None:
    assert next_step(found, open_to_all=for_all) is step


def test_a_medium_is_settled_when_ready_and_in_the_right_place() -> None:
    assert settled(medium(MediaState.READY, "public/a"), open_to_all=True)
    assert not settled(medium(MediaState.READY, "public/a"), open_to_all=False)
    assert not settled(medium(MediaState.RESIZING, "public/a"), open_to_all=True)
