"""This service's errors, one function each: what may not be seen and what never was answer the same."""

from kit.errors import Aborted, FailedPrecondition, FieldViolation, InvalidArgument, NotFound, PermissionDenied


def invalid(field: str, reason: str) -> InvalidArgument:
    """`field` is a JSON pointer into the REST body."""
    return InvalidArgument("INVALID_FIELD", f"{field}: {reason}", fields=[FieldViolation(field, reason)])


def media_not_found() -> NotFound:
    return NotFound("MEDIA_NOT_FOUND", "there is no such medium")


def post_not_found() -> NotFound:
    return NotFound("POST_NOT_FOUND", "there is no such post")


def comment_not_found() -> NotFound:
    return NotFound("COMMENT_NOT_FOUND", "there is no such comment")


def user_not_found() -> NotFound:
    return NotFound("USER_NOT_FOUND", "there is no such account")


def not_yours(what: str) -> PermissionDenied:
    return PermissionDenied("NOT_YOURS", f"only its author may change this {what}")


def etag_mismatch() -> Aborted:
    return Aborted("ETAG_MISMATCH", "the post has changed since it was read")


def request_id_reused() -> InvalidArgument:
    return InvalidArgument("REQUEST_ID_REUSED", "the request id belongs to a different request")


def media_not_uploaded() -> FailedPrecondition:
    return FailedPrecondition("MEDIA_NOT_UPLOADED", "nothing has been uploaded yet")


def size_mismatch() -> InvalidArgument:
    return InvalidArgument("SIZE_MISMATCH", "the uploaded bytes are not as many as were announced: upload again")


def checksum_mismatch() -> InvalidArgument:
    return InvalidArgument("CHECKSUM_MISMATCH", "the uploaded bytes are not those that were announced: upload again")


def comments_off() -> FailedPrecondition:
    return FailedPrecondition("COMMENTS_OFF", "comments are turned off for this post")


def comments_not_allowed() -> PermissionDenied:
    return PermissionDenied("COMMENTS_NOT_ALLOWED", "the author lets only some people comment, and not you")


def bad_page_token() -> InvalidArgument:
    return InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")


def too_many_ids(limit: int) -> InvalidArgument:
    return InvalidArgument("TOO_MANY_IDS", f"at most {limit} ids at once")
