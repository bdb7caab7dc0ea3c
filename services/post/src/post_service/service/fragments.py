"""Posts in pieces for feeds, and what else feeds ask of many posts at once. No visibility is applied here: a fragment
says what it demands of its viewer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from kit.paging import page_size

from post_service.model.captions import fold_tag
from post_service.model.pieces import Piece, closed, widest
from post_service.model.posts import Mention, Post, PostCounts, PostRef
from post_service.model.visibility import AccountState, Demand, Profile, demand_of, shown_to_all
from post_service.service.pages import check_batch
from post_service.service.peers import Accounts
from post_service.service.tallies import Tallies
from post_service.store.cache import Kept, PostCopies
from post_service.store.comments import CommentStore
from post_service.store.likes import LikeStore
from post_service.store.posts import NEWEST, PostStore

_IDS_MAX = 1_000
_COMMENTERS_MAX = 50


class Press(Protocol):
    """Posts and authors as JSON."""

    @property
    def half_hour(self) -> int: ...

    def press(self, post: Post) -> Piece: ...

    def author(self, profile: Profile) -> bytes: ...


class Fragment(NamedTuple):
    piece: Piece
    demand: Demand
    mentions: Sequence[Mention]
    counts: PostCounts


class FragmentService:
    def __init__(
        self,
        copies: PostCopies,
        press: Press,
        posts: PostStore,
        likes: LikeStore,
        comments: CommentStore,
        accounts: Accounts,
        tallies: Tallies,
        published: Callable[[], Awaitable[None]],
    ) -> None:
        """`published` is the outbox's."""
        self._copies, self._press = copies, press
        self._posts, self._likes, self._comments = posts, likes, comments
        self._accounts, self._tallies, self._published = accounts, tallies, published

    async def get(self, ids: Sequence[int]) -> tuple[list[Fragment], dict[int, bytes]]:
        """What there is of the posts, and the JSON of their authors by id. Two rounds: the posts, then all that hangs
        on them. Raises InvalidArgument TOO_MANY_IDS."""
        kept = await self._copies.kept(check_batch(ids), self._posts.get_many)
        if not kept:
            return [], {}
        people = {each.piece.author_id for each in kept.values()}
        people.update(mention.user_id for each in kept.values() for mention in each.piece.mentions)
        profiles, counts = await asyncio.gather(
            self._accounts.profiles(sorted(people)), self._tallies.of_posts(list(kept))
        )
        found = self._fragments(kept.values(), profiles, counts)
        authors = {fragment.piece.author_id for fragment in found}
        return found, {id_: self._press.author(profiles[id_]) for id_ in authors}

    async def counts(self, ids: Sequence[int]) -> list[PostCounts]:
        """Of each id, in their order. Raises InvalidArgument TOO_MANY_IDS."""
        found = await self._tallies.of_posts(check_batch(ids))
        return [found[post_id] for post_id in ids]

    async def published(self) -> None:
        """Returns once Kafka has what had changed of posts and accounts before the call."""
        await asyncio.gather(self._published(), self._accounts.published())

    async def liked(self, user_id: int, ids: Sequence[int]) -> set[int]:
        """Which of the posts the account likes. Raises InvalidArgument TOO_MANY_IDS."""
        wanted = check_batch(ids)
        return await self._likes.liked_of(user_id, wanted) if wanted else set()

    async def liked_ids(self, user_id: int, before_id: int, size: int) -> list[tuple[int, int]]:
        """Pairs of a post that the account likes and the change that made the like, the newest post first."""
        limit = page_size(size, default=_IDS_MAX, cap=_IDS_MAX)
        return await self._likes.posts_of(user_id, before=before_id or NEWEST, limit=limit)

    async def of_tag(self, tag: str, before_id: int, size: int) -> list[PostRef]:
        """Posts with the tag that demand nothing of who sees them, newest first; fewer only at the end. All that
        follow a tag look here: what an account hides must not cost them more than a step in a hundred."""
        limit = page_size(size, default=100, cap=_IDS_MAX)
        folded, before, step = fold_tag(tag.removeprefix("#")), before_id or NEWEST, limit
        found: list[PostRef] = []
        while len(found) < limit:
            refs = await self._posts.open_of_tag(folded, before=before, limit=step)
            profiles = await self._accounts.profiles(sorted({ref.author_id for ref in refs})) if refs else {}
            found += [ref for ref in refs if ref.author_id in profiles and shown_to_all(profiles[ref.author_id])]
            if len(refs) < step:
                break
            before, step = refs[-1].post_id, _IDS_MAX
        return found[:limit]

    async def commenters(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """People who commented on the posts lately, the newest first. Raises InvalidArgument TOO_MANY_IDS."""
        wanted = check_batch(ids)
        return await self._comments.commenters_of(wanted, limit=_COMMENTERS_MAX) if wanted else {}

    def _fragments(
        self, kept: Iterable[Kept], profiles: Mapping[int, Profile], counts: Mapping[int, PostCounts]
    ) -> list[Fragment]:
        half_hour = self._press.half_hour
        found: list[Fragment] = []
        for each in kept:
            piece = each.piece
            author = profiles.get(piece.author_id)
            demand = demand_of(author, piece.audience, piece.state) if author else None
            if not (author and demand):
                continue
            # Public addresses that are not to be handed out now, or signed ones that end soon: made anew.
            if piece.exposed and not shown_to_all(author):
                piece = self._press.press(closed(self._copies.post_of(each)))
            elif piece.half_hour and piece.half_hour != half_hour:
                piece = self._press.press(widest(self._copies.post_of(each)))
            mentions = _active(piece.mentions, profiles) if piece.mentions else ()
            found.append(Fragment(piece, demand, mentions, counts[piece.post_id]))
        return found


def _active(mentions: Sequence[Mention], profiles: Mapping[int, Profile]) -> list[Mention]:
    return [
        mention
        for mention in mentions
        if (known := profiles.get(mention.user_id)) and known.state is AccountState.ACTIVE
    ]
