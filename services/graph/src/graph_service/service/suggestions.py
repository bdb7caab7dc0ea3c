"""Whom a viewer may want to follow."""

from graph_service.model import errors, rules
from graph_service.model.suggestions import MOST, Candidate, ranked
from graph_service.service.peers import Users, existing
from graph_service.store.relations import Relations
from graph_service.store.suggestions import Suggestions as Store


class Suggestions:
    def __init__(self, store: Store, relations: Relations, users: Users) -> None:
        self._store = store
        self._relations = relations
        self._users = users

    async def best(self, viewer_id: int, size: int) -> list[Candidate]:
        """Raises Unauthenticated."""
        rules.check_signed_in(viewer_id)
        return ranked(await self._store.candidates(viewer_id), min(size, MOST))

    async def dismiss(self, viewer_id: int, user_id: int) -> None:
        """Raises NotFound when there is no such account for the viewer."""
        rules.check_pair(viewer_id, user_id)
        await existing(self._users, user_id)
        if (await self._relations.get(viewer_id, [user_id]))[user_id].blocked_by:
            raise errors.user_not_found()
        await self._store.dismiss(viewer_id, user_id)
