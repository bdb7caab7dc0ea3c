"""What the use cases ask of other services."""

from collections.abc import Sequence
from typing import Protocol

from post_service.model.visibility import Profile, Relation


class Accounts(Protocol):
    async def profiles(self, ids: Sequence[int]) -> dict[int, Profile]:
        """Unknown ids are left out."""
        ...

    async def resolve(self, usernames: Sequence[str]) -> dict[str, int]:
        """Ids of the lower-case usernames that exist."""
        ...

    async def published(self) -> None:
        """Returns once Kafka has what accounts have changed before the call."""
        ...


class Graph(Protocol):
    async def relations(self, viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
        """How the viewer stands to each of the ids."""
        ...
