"""Avatars: what may be uploaded, and where their files live.

A place is the folder of one avatar's files, named in Profile.avatar_key. It is public for as long as the account is
active; meanwhile the files lie where nobody can fetch them, and come back to the same place.
"""

import re
from dataclasses import dataclass

from kit.errors import InvalidArgument, NotFound, ResourceExhausted, Unavailable

from user_service.model import errors

MAX_BYTES = 10 << 20
UPLOADS = "avatars/uploads/"
_PUBLIC, _WITHHELD = "public/", "avatars/withheld/"
_NAME = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True)
class Focus:
    """What the square is cut around, from the left and from the top, 0 to 1."""

    x: float = 0.5
    y: float = 0.5


def place_of(key: str) -> str:
    return f"{_PUBLIC}{key}"


def withheld(place: str) -> str:
    """Where the files of this place lie while the account is not active."""
    return _WITHHELD + place.removeprefix(_PUBLIC)


def uploads_of(user_id: int) -> str:
    return f"{UPLOADS}{user_id}/"


def check(user_id: int, upload_key: str, focus: Focus) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    folder = uploads_of(user_id)
    if not upload_key.startswith(folder) or not _NAME.fullmatch(upload_key.removeprefix(folder)):
        raise errors.invalid_field("/upload_key", "is not one of the account's")
    if not (0 <= focus.x <= 1 and 0 <= focus.y <= 1):
        raise errors.invalid_field("/focal_point", "must be between 0 and 1")


def unusable(reason: str) -> InvalidArgument:
    """`reason` says why it can never become a picture."""
    return InvalidArgument(reason, _WHY.get(reason, "the file cannot be used"))


_WHY = {
    "NOT_AN_IMAGE": "the file is no JPEG, PNG, WebP or GIF",
    "TOO_MANY_PIXELS": "the picture has too many pixels",
    "IMAGE_TRUNCATED": "the picture ends too early",
    "IMAGE_BROKEN": "the picture cannot be read",
    "FILE_TOO_LARGE": f"the file has more than {MAX_BYTES} bytes",
    "PROCESSING_FAILED": "nothing could be made of the picture",
}


def upload_lost() -> NotFound:
    return NotFound("UPLOAD_LOST", "what was uploaded is not there: upload again")


def in_progress() -> ResourceExhausted:
    return ResourceExhausted("AVATAR_IN_PROGRESS", "another picture of this account is being made", retry_after=1)


def busy() -> Unavailable:
    return Unavailable("OVERLOADED", "too many pictures at this moment", retry_after=2)
