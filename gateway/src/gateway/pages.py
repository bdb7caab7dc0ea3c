"""Lists as clients see them: `{items, next}`, with a signed cursor and a Link header."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Depends, Query

from gateway.here import Here, HereDep
from gateway.schemas.requests import DEFAULT_LIMIT, Limit

T = TypeVar("T")
_MOST_ROUNDS = 10

Found = tuple[Sequence[T], str]
"""Items and the service's token of the next page; empty at the end."""


@dataclass(frozen=True)
class Page:
    """`token` is the service's own, empty for the first page."""

    here: Here
    scope: str
    limit: int
    token: str

    def next(self, token: str) -> tuple[str | None, dict[str, str]]:
        """The cursor of the next page and the headers that go with it."""
        cursor = self.here.parts.cursors.sign(self.scope, token)
        if not cursor:
            return None, {}
        query = [(name, value) for name, value in parse_qsl(self.here.request.url.query) if name != "cursor"]
        url = self.here.parts.settings.public_url.rstrip("/") + self.here.request.scope["path"]
        return cursor, {"Link": f'<{quoted(url)}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'}

    async def filled(
        self, fetch: Callable[[int, str], Awaitable[Found[Any]]], choose: Callable[[Sequence[Any]], Awaitable[list[T]]]
    ) -> Found[T]:
        """Fetches on until the page is full of what `choose` lets through, or there is no more."""
        chosen: list[T] = []
        token = self.token
        for _ in range(_MOST_ROUNDS):
            items, token = await fetch(self.limit - len(chosen), token)
            chosen += await choose(items)
            if len(chosen) >= self.limit or not token:
                break
        return chosen, token


async def page(
    here: HereDep,
    limit: Annotated[Limit, Query(description="Above 100 counts as 100")] = DEFAULT_LIMIT,
    cursor: Annotated[str, Query(description="`next` of the page before", max_length=4096)] = "",
) -> Page:
    scope = _scope(here)
    return Page(here, scope, limit, here.parts.cursors.open(scope, cursor))


PageDep = Annotated[Page, Depends(page)]


def _scope(here: Here) -> str:
    """A cursor is good for this viewer and this list alone: path and filters, in any order."""
    kept = sorted(item for item in here.request.query_params.multi_items() if item[0] not in ("cursor", "limit"))
    return f"{here.request.scope['path']}?{urlencode(kept)}#{here.viewer_id}"


def quoted(url: str) -> str:
    return quote(url, safe=":/?=&,;@!$'()*+~%")
