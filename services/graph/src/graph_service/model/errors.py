"""What this service refuses. What a viewer may not see is not there: hidden and absent get the same answer."""

from kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound, Unauthenticated


def user_not_found() -> NotFound:
    return NotFound("USER_NOT_FOUND", "there is no such user")


def blocked_by_viewer() -> FailedPrecondition:
    return FailedPrecondition("BLOCKED_BY_VIEWER", "you block this account: unblock it first")


def no_such_request() -> NotFound:
    return NotFound("FOLLOW_REQUEST_NOT_FOUND", "there is no such follow request")


def own_account() -> InvalidArgument:
    return InvalidArgument("SELF_FOLLOW", "that is your own account")


def bad_end(field: str, why: str) -> InvalidArgument:
    return InvalidArgument("INVALID_FIELD", "a mute cannot end then", fields=[FieldViolation(f"/{field}", why)])


def no_tag(why: str) -> InvalidArgument:
    return InvalidArgument("INVALID_FIELD", "that is no tag", fields=[FieldViolation("/tag", why)])


def too_many_follows(most: int) -> FailedPrecondition:
    return FailedPrecondition("TOO_MANY_FOLLOWS", f"at most {most} accounts can be followed: unfollow some first")


def too_many_tags(most: int) -> FailedPrecondition:
    return FailedPrecondition("TOO_MANY_TAGS", f"at most {most} tags can be followed")


def too_many_ids(most: int) -> InvalidArgument:
    return InvalidArgument("TOO_MANY_IDS", f"at most {most} ids at once")


def bad_page_token() -> InvalidArgument:
    return InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")


def signed_out() -> Unauthenticated:
    return Unauthenticated("UNAUTHENTICATED", "log in first")
