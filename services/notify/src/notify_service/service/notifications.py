"""Use cases: put into inboxes what happened, and show an inbox, where every entry is a candidate that its owner still
has to show."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from kit.ids import time_of

from notify_service.model import (
    MAX_ACTORS,
    MAX_UNREAD,
    Entry,
    Group,
    Member,
    NotifyOf,
    Pointer,
    Wishes,
    day_of,
    group_of,
    newest_first,
    pointer_of,
    token_after,
)

ProfileT = TypeVar("ProfileT")
PostT = TypeVar("PostT")
CommentT = TypeVar("CommentT")
ProfileT_co = TypeVar("ProfileT_co", covariant=True)
PostT_co = TypeVar("PostT_co", covariant=True)
CommentT_co = TypeVar("CommentT_co", covariant=True)


class Inboxes(Protocol):
    async def put(self, entry: Entry) -> None: ...
    async def drop(self, recipient_id: int, group_key: str, actor_id: int, at: datetime) -> None: ...
    async def days(self, user_id: int, up_to: date | None) -> list[date]: ...
    async def pointers(self, user_id: int, day: date) -> list[Pointer]: ...
    async def members(self, user_id: int, group_keys: Sequence[str]) -> list[list[Member]]: ...


class Markers(Protocol):
    async def read_up_to(self, user_id: int) -> int: ...
    async def mark(self, user_id: int, up_to_id: int) -> None: ...


class WishSource(Protocol):
    async def wishes(self, ids: Sequence[int]) -> Mapping[int, Wishes]:
        """Of these accounts, seconds old at most; whoever wants to hear of everything may be left out."""
        ...

    async def followed(self, user_id: int, ids: Sequence[int]) -> Collection[int]:
        """Whom of these the account follows."""
        ...


class PeopleSource(Protocol[ProfileT_co]):
    async def people(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, ProfileT_co]:
        """Active accounts without a block between them and the viewer."""
        ...


class PostSource(Protocol[PostT_co, CommentT_co]):
    async def posts(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, PostT_co]: ...
    async def comments(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, CommentT_co]: ...


@dataclass(frozen=True)
class Notification(Generic[ProfileT, PostT, CommentT]):
    """`id` is of the newest event; `others` says how many more there are beside `actors`."""

    id: int
    group: Group
    actors: Sequence[ProfileT]
    others: int
    post: PostT | None
    comment: CommentT | None
    created_at: datetime
    read: bool


@dataclass(frozen=True)
class Page(Generic[ProfileT, PostT, CommentT]):
    """`next_token` is empty at the end."""

    items: list[Notification[ProfileT, PostT, CommentT]]
    next_token: str


@dataclass(frozen=True)
class _Candidate:
    pointer: Pointer
    group: Group
    members: Sequence[Member]  # newest first, at least one


class InboxService:
    """Keeps inboxes. Every method may be repeated and may come late."""

    def __init__(self, inboxes: Inboxes, wishes: WishSource) -> None:
        self._inboxes, self._wishes = inboxes, wishes

    async def deliver(self, entries: Iterable[Entry]) -> None:
        """Nobody hears of what they did themself, or do not want to hear of."""
        of_others = [entry for entry in entries if entry.actor_id != entry.recipient_id]
        if of_others:
            wishes = await self._wishes.wishes(sorted({entry.recipient_id for entry in of_others}))
            await asyncio.gather(*(self._put(entry, wishes.get(entry.recipient_id, {})) for entry in of_others))

    async def withdraw(self, recipient_id: int, groups: Iterable[Group], actor_id: int, at: datetime) -> None:
        await asyncio.gather(*(self._inboxes.drop(recipient_id, group.key, actor_id, at) for group in groups))

    async def _put(self, entry: Entry, wishes: Wishes) -> None:
        match wishes.get(entry.group.kind, NotifyOf.EVERYONE):
            case NotifyOf.NOBODY:
                return
            case NotifyOf.FOLLOWING:
                if entry.actor_id not in await self._wishes.followed(entry.recipient_id, [entry.actor_id]):
                    return
            case NotifyOf.EVERYONE:
                pass
        await self._inboxes.put(entry)


class NotifyService(Generic[ProfileT, PostT, CommentT]):
    def __init__(
        self,
        inboxes: Inboxes,
        markers: Markers,
        people: PeopleSource[ProfileT],
        posts: PostSource[PostT, CommentT],
    ) -> None:
        self._inboxes = inboxes
        self._markers = markers
        self._people = people
        self._posts = posts

    async def notifications(self, viewer_id: int, size: int, token: str) -> Page[ProfileT, PostT, CommentT]:
        """Newest first; what the viewer may no longer see is left out, and a page is short only at the end."""
        after = pointer_of(token)
        read_up_to = await self._markers.read_up_to(viewer_id)
        items: list[Notification[ProfileT, PostT, CommentT]] = []
        for day in await self._inboxes.days(viewer_id, day_of(after.event_id) if after else None):
            rest = [p for p in await self._inboxes.pointers(viewer_id, day) if after is None or p.place < after.place]
            while rest:
                # One more than fits tells whether there is a next page.
                taken, rest = rest[: size + 1], rest[size + 1 :]
                candidates = await self._candidates(viewer_id, day, taken)
                for candidate, shown in await self._shown(viewer_id, candidates, read_up_to):
                    if len(items) == size:
                        return Page(items, token_after(after) if after else "")
                    items.append(shown)
                    after = candidate.pointer
        return Page(items, "")

    async def mark_read(self, viewer_id: int, up_to_id: int) -> None:
        """Never beyond what has arrived: an id of the far future would swallow all that is yet to come."""
        if newest := await self._newest(viewer_id):
            await self._markers.mark(viewer_id, min(up_to_id, newest))

    async def unread(self, viewer_id: int) -> int:
        """Unread notifications that the viewer would be shown; counts to MAX_UNREAD."""
        page = await self.notifications(viewer_id, MAX_UNREAD, "")
        return sum(not item.read for item in page.items)

    async def _newest(self, viewer_id: int) -> int:
        """The id of the newest event in the inbox; 0 when it is empty."""
        for day in await self._inboxes.days(viewer_id, None):
            if pointers := await self._inboxes.pointers(viewer_id, day):
                return pointers[0].event_id
        return 0

    async def _candidates(self, viewer_id: int, day: date, pointers: Sequence[Pointer]) -> list[_Candidate]:
        """Groups that have members and whose newest one is of this day: elsewhere another day shows them."""
        found = await self._inboxes.members(viewer_id, [pointer.group_key for pointer in pointers])
        candidates = [
            _Candidate(pointer, group_of(pointer.group_key), newest_first(members))
            for pointer, members in zip(pointers, found, strict=True)
            if members
        ]
        return [candidate for candidate in candidates if day_of(candidate.members[0].event_id) == day]

    async def _shown(
        self, viewer_id: int, candidates: Sequence[_Candidate], read_up_to: int
    ) -> Sequence[tuple[_Candidate, Notification[ProfileT, PostT, CommentT]]]:
        actor_ids = {member.actor_id for c in candidates for member in c.members[: MAX_ACTORS * 2]}
        post_ids = {c.group.post_id for c in candidates if c.group.post_id}
        comment_ids = {c.group.comment_id for c in candidates if c.group.comment_id}
        people, posts, comments = await asyncio.gather(
            self._people.people(viewer_id, sorted(actor_ids)),
            self._posts.posts(viewer_id, sorted(post_ids)),
            self._posts.comments(viewer_id, sorted(comment_ids)),
        )
        shown = [(candidate, _notification(candidate, people, posts, comments, read_up_to)) for candidate in candidates]
        return [(candidate, notification) for candidate, notification in shown if notification]


def _notification(
    candidate: _Candidate,
    people: Mapping[int, ProfileT],
    posts: Mapping[int, PostT],
    comments: Mapping[int, CommentT],
    read_up_to: int,
) -> Notification[ProfileT, PostT, CommentT] | None:
    """None when the actors or the subject may not be seen."""
    group, members = candidate.group, candidate.members
    looked_at = members[: MAX_ACTORS * 2]
    actors = [people[member.actor_id] for member in looked_at if member.actor_id in people]
    post, comment = posts.get(group.post_id), comments.get(group.comment_id)
    if not actors or (group.post_id and post is None) or (group.comment_id and comment is None):
        return None
    hidden = len(looked_at) - len(actors)
    newest = members[0].event_id
    return Notification(
        id=newest,
        group=group,
        actors=actors[:MAX_ACTORS],
        others=max(0, len(members) - hidden - MAX_ACTORS),
        post=post,
        comment=comment,
        created_at=time_of(newest),
        read=newest <= read_up_to,
    )
