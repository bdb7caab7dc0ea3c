"""Use cases of the log of security events: its owner reads it, and what is old is forgotten."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from user_service.model import errors
from user_service.model.security import LoggedEvent
from user_service.store.security_history import SecurityHistory

_INT64_DIGITS = 19


class SecurityEvents:
    def __init__(self, history: SecurityHistory, kept: timedelta, clock: Callable[[], datetime]) -> None:
        self._history, self._kept, self._clock = history, kept, clock

    async def list(self, user_id: int, *, size: int, page_token: str) -> tuple[Sequence[LoggedEvent], str]:
        """Newest first, and the token of the next page, empty at the end. Raises InvalidArgument BAD_PAGE_TOKEN."""
        found = await self._history.of(user_id, before=_before(page_token), limit=size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""

    async def sweep(self) -> None:
        await self._history.sweep(self._clock() - self._kept)


def _before(page_token: str) -> int | None:
    if not page_token:
        return None
    if not (page_token.isascii() and page_token.isdecimal() and len(page_token) < _INT64_DIGITS):
        raise errors.bad_page_token()
    return int(page_token)
