"""The visibility rule, fed: profiles and relations of all that are looked at, in one batch call each."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kit.errors import Unauthenticated

from post_service.model.captions import check_mentions
from post_service.model.posts import Mention, Post
from post_service.model.visibility import ANONYMOUS, STRANGER, Profile, Relation, may_list, may_meet, may_reach, may_see
from post_service.service.peers import Accounts, Graph


@dataclass(frozen=True)
class View:
    """What one viewer knows of some accounts at one moment. Accounts that do not exist are seen by nobody."""

    viewer_id: int
    profiles: Mapping[int, Profile]
    relations: Mapping[int, Relation]

    def sees(self, post: Post) -> bool:
        author = self.profiles.get(post.author_id)
        relation = self._relation(post.author_id)
        return author is not None and may_see(self.viewer_id, author, relation, post.content.audience, post.state)

    def meets(self, user_id: int) -> bool:
        other = self.profiles.get(user_id)
        return other is not None and may_meet(self.viewer_id, other, self._relation(user_id))

    def known(self, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
        """Those of the mentions whose account the viewer may know of."""
        return tuple(mention for mention in mentions if self.meets(mention.user_id))

    def may_comment(self, author_id: int) -> bool:
        """Under what that author posts."""
        author = self.profiles.get(author_id)
        return author is not None and may_reach(self.viewer_id, author, self._relation(author_id), author.comments_from)

    def may_mention(self, user_id: int) -> bool:
        other = self.profiles.get(user_id)
        allowed = other is not None and may_reach(self.viewer_id, other, self._relation(user_id), other.mentions_from)
        return allowed and self.meets(user_id)

    def lists(self, author_id: int) -> bool:
        author = self.profiles.get(author_id)
        return author is not None and may_list(self.viewer_id, author, self._relation(author_id))

    def _relation(self, user_id: int) -> Relation:
        return self.relations.get(user_id, STRANGER)


class Sight:
    def __init__(self, accounts: Accounts, graph: Graph) -> None:
        self._accounts = accounts
        self._graph = graph

    async def view(self, viewer_id: int, user_ids: Iterable[int]) -> View:
        """One round: both calls at once. An anonymous viewer and the viewer's own things need no relations."""
        ids = sorted(set(user_ids))
        others = [user_id for user_id in ids if user_id != viewer_id]
        profiles, relations = await asyncio.gather(self._profiles(ids), self._relations(viewer_id, others))
        return View(viewer_id, profiles, relations)

    async def mentioned(self, viewer_id: int, usernames: Sequence[str], *, field: str) -> tuple[Mention, ...]:
        """Accounts that the viewer names; names of nobody whom the viewer may know of, or who does not let the viewer
        mention them, are plain text. Raises InvalidArgument INVALID_FIELD."""
        check_mentions(tuple(usernames), field=field)
        ids = await self._accounts.resolve(usernames) if usernames else {}
        view = await self.view(viewer_id, ids.values())
        return tuple(Mention(ids[name], name) for name in usernames if name in ids and view.may_mention(ids[name]))

    async def _profiles(self, ids: Sequence[int]) -> Mapping[int, Profile]:
        return await self._accounts.profiles(ids) if ids else {}

    async def _relations(self, viewer_id: int, others: Sequence[int]) -> Mapping[int, Relation]:
        if viewer_id == ANONYMOUS or not others:
            return {}
        return await self._graph.relations(viewer_id, others)


def signed_in(viewer_id: int) -> int:
    """Raises Unauthenticated LOGIN_REQUIRED for an anonymous viewer."""
    if viewer_id <= ANONYMOUS:
        raise Unauthenticated("LOGIN_REQUIRED", "only a signed-in account may do this")
    return viewer_id
