"""Message to model."""

import uuid
from collections.abc import Iterable

from google.protobuf.field_mask_pb2 import FieldMask
from heliograph.post.v1 import post_pb2
from kit.errors import InvalidArgument

from post_service.model.errors import invalid
from post_service.model.media import Announcement, Kind
from post_service.model.posts import Content, Location
from post_service.model.visibility import Audience
from post_service.service.media import Description
from post_service.service.posts import Draft, Edit

_REQUEST_ID_MAX = 255


def announcement_of(request: post_pb2.CreateMediaRequest) -> Announcement:
    return Announcement(
        kind=_kind(request.kind),
        content_type=request.content_type,
        bytes=request.bytes,
        sha256=request.sha256,
        alt_text=request.alt_text,
    )


def description_of(request: post_pb2.UpdateMediaRequest) -> Description:
    media, paths = request.media, _paths(request.update_mask, ("alt_text", "focal_x", "focal_y"))
    return Description(
        alt_text=media.alt_text if "alt_text" in paths else None,
        focal_x=media.focal_x if "focal_x" in paths else None,
        focal_y=media.focal_y if "focal_y" in paths else None,
    )


def draft_of(request: post_pb2.CreatePostRequest) -> Draft:
    content = Content(
        title=request.title,
        caption=request.caption,
        location=_location(request.location) if request.HasField("location") else None,
        audience=audience_of(request.audience) or Audience.PUBLIC,
        comments_off=request.comments_off,
    )
    return Draft(tuple(request.media_ids), content, request_id_of(request.request_id))


def edit_of(request: post_pb2.UpdatePostRequest) -> Edit:
    post = request.post
    paths = _paths(request.update_mask, ("title", "caption", "location", "audience", "comments_off"))
    located = "location" in paths and post.HasField("location")
    return Edit(
        title=post.title if "title" in paths else None,
        caption=post.caption if "caption" in paths else None,
        location=_location(post.location) if located else None,
        clear_location="location" in paths and not located,
        audience=audience_of(post.audience) if "audience" in paths else None,
        comments_off=post.comments_off if "comments_off" in paths else None,
    )


def request_id_of(text: str) -> str:
    """One of its own for a caller that gave none: such a create is not repeatable."""
    if len(text) > _REQUEST_ID_MAX:
        raise InvalidArgument("BAD_REQUEST_ID", f"a request id has at most {_REQUEST_ID_MAX} characters")
    return text or str(uuid.uuid4())


def audience_of(value: int) -> Audience | None:
    """None when it is not set."""
    if value not in {0, *Audience}:
        raise invalid("/audience", "not one of public, followers, close_friends")
    return Audience(value) if value else None


def _kind(value: int) -> Kind:
    if value not in set(Kind):
        raise invalid("/kind", "not one of image, video")
    return Kind(value)


def _location(message: post_pb2.Location) -> Location:
    return Location(message.name, message.latitude, message.longitude)


def _paths(mask: FieldMask, allowed: Iterable[str]) -> set[str]:
    paths = set(mask.paths)
    if unknown := paths - set(allowed):
        raise InvalidArgument("BAD_UPDATE_MASK", f"cannot update {', '.join(sorted(unknown))}")
    return paths
