"""The index anew from truth, while the old one goes on being searched and kept.

A step is bounded, and its caller holds the place, so any process can take the next one. First a new index is filled
beside the old one. Then the alias moves, and everything is passed a second time: what changed meanwhile was written
where nobody reads any more. Last go the accounts that were erased on the way, and the old index.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from search_service.model import Author, Kind, ScannedPost, Tombstone, UserDocument, bad_page_token

_STEP = 200  # ids that the user service takes in one call

Document = UserDocument | ScannedPost | Tombstone


class Truth(Protocol):
    """Documents by rising id, with the id to go on after, 0 at the end."""

    async def users(self, after: int, limit: int) -> tuple[Sequence[UserDocument], int]: ...
    async def posts(self, after: int, limit: int) -> tuple[Sequence[ScannedPost | Tombstone], int]: ...
    async def authors(self, ids: Sequence[int]) -> Mapping[int, Author]:
        """Accounts that exist."""
        ...


class Indices(Protocol):
    async def begin(self, kind: Kind) -> str:
        """A new index beside the one in use."""
        ...

    async def write(self, kind: Kind, index: str, documents: Sequence[Document]) -> None:
        """Older versions than those that are there lose."""
        ...

    async def switch(self, kind: Kind, index: str) -> None: ...
    async def owners(self, kind: Kind, after: int, limit: int) -> Sequence[int]:
        """Accounts that have documents, by rising id."""
        ...

    async def forget(self, kind: Kind, owners: Sequence[int]) -> int: ...
    async def drop_unused(self, kind: Kind) -> int: ...


@dataclass(frozen=True)
class Step:
    """`token` is empty at the end."""

    done: int
    token: str
    phase: str


class Rebuild:
    def __init__(self, truth: Truth, indices: Indices) -> None:
        self._truth, self._indices = truth, indices
        self._phases: Mapping[str, Callable[[Kind, str, int], Awaitable[Step]]] = {
            "fill": self._fill,
            "again": self._again,
            "tidy": self._tidy,
        }

    async def step(self, kind: Kind, token: str) -> Step:
        """`kind` is USERS or POSTS. Raises InvalidArgument BAD_PAGE_TOKEN."""
        if not token:
            return Step(0, f"fill:{await self._indices.begin(kind)}:0", "a new index")
        phase, _, rest = token.partition(":")
        index, _, after = rest.rpartition(":")
        if phase not in self._phases or not (after.isascii() and after.isdecimal() and len(after) < 20):
            raise bad_page_token()
        return await self._phases[phase](kind, index, int(after))

    async def _fill(self, kind: Kind, index: str, after: int) -> Step:
        done, following = await self._copy(kind, index, after)
        if following:
            return Step(done, f"fill:{index}:{following}", "filling the new index")
        await self._indices.switch(kind, index)
        return Step(done, f"again:{index}:0", "in use")

    async def _again(self, kind: Kind, index: str, after: int) -> Step:
        done, following = await self._copy(kind, index, after)
        step = f"again:{index}:{following}" if following else f"tidy:{index}:0"
        return Step(done, step, "what changed meanwhile")

    async def _tidy(self, kind: Kind, index: str, after: int) -> Step:
        owners = await self._indices.owners(kind, after, _STEP)
        if not owners:
            return Step(await self._indices.drop_unused(kind), "", "the old index is gone")
        known = await self._truth.authors(owners)
        erased = [user_id for user_id in owners if user_id not in known]
        removed = await self._indices.forget(kind, erased) if erased else 0
        return Step(removed, f"tidy:{index}:{owners[-1]}", "what belongs to nobody")

    async def _copy(self, kind: Kind, index: str, after: int) -> tuple[int, int]:
        if kind is Kind.USERS:
            users, following = await self._truth.users(after, _STEP)
            await self._indices.write(kind, index, users)
            return len(users), following
        posts, following = await self._truth.posts(after, _STEP)
        await self._write_posts(index, posts)
        return len(posts), following

    async def _write_posts(self, index: str, posts: Sequence[ScannedPost | Tombstone]) -> None:
        """Accounts are read again after the write, as for a single post: a change between the two reads would be missed
        both by this write and by a scan that ran before it."""
        ids = sorted({found.post.author_id for found in posts if isinstance(found, ScannedPost)})
        authors = await self._truth.authors(ids)
        while True:
            await self._indices.write(Kind.POSTS, index, [_shown(post, authors) for post in posts])
            again = await self._truth.authors(ids)
            if again == authors:
                return
            authors = again


def _shown(found: ScannedPost | Tombstone, authors: Mapping[int, Author]) -> ScannedPost | Tombstone:
    if isinstance(found, Tombstone):
        return found
    author = authors.get(found.post.author_id)
    public = found.audience_public and author is not None and author.open
    return replace(found, post=replace(found.post, public=public))
