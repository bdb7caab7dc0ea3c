"""What people do to each other. Every change may be repeated: what is so already is answered as it is, without an
event."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from graph_service.model import rules
from graph_service.model.mutes import End
from graph_service.model.relations import Change, Kind, Relation, Step
from graph_service.service.peers import Users, existing
from graph_service.store.counts import Counts
from graph_service.store.relations import Relations
from graph_service.store.truth import Truth


class Changes:
    def __init__(
        self,
        truth: Truth,
        relations: Relations,
        counts: Counts,
        users: Users,
        *,
        now: Callable[[], datetime],
        most_follows: int,
    ) -> None:
        self._truth = truth
        self._relations = relations
        self._counts = counts
        self._users = users
        self._now = now
        self._most_follows = most_follows

    async def follow(self, viewer_id: int, user_id: int) -> Relation:
        """Asks to follow when the account is private. Raises NotFound, FailedPrecondition BLOCKED_BY_VIEWER or
        TOO_MANY_FOLLOWS, InvalidArgument SELF_FOLLOW."""
        relation = await self._follow(viewer_id, user_id)
        if relation.requested:
            # The account may have gone public since it was looked at, and all who had asked by then have been accepted.
            again = await self._follow(viewer_id, user_id)
            relation = replace(again, changed=relation.changed or again.changed)
        return relation

    async def unfollow(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(rules.unfollow, viewer_id))

    async def block(self, viewer_id: int, user_id: int) -> Relation:
        """Raises NotFound when there is no such account."""
        rules.check_pair(viewer_id, user_id)
        await existing(self._users, user_id)
        return await self._change(viewer_id, user_id, partial(rules.block, viewer_id))

    async def unblock(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(rules.unblock, viewer_id))

    async def mute(self, viewer_id: int, user_id: int, end: End) -> Relation:
        """Raises NotFound when there is no such account for the viewer, InvalidArgument for an end that cannot be."""
        rules.check_pair(viewer_id, user_id)
        until = end.at(self._now())
        await existing(self._users, user_id)
        return await self._change(viewer_id, user_id, partial(rules.mute, viewer_id, until=until))

    async def unmute(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(rules.unmute, viewer_id))

    async def add_close_friend(self, viewer_id: int, user_id: int) -> Relation:
        """Raises as follow does."""
        rules.check_pair(viewer_id, user_id)
        await existing(self._users, user_id)
        return await self._change(viewer_id, user_id, partial(rules.add_close_friend, viewer_id))

    async def remove_close_friend(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(rules.remove_close_friend, viewer_id))

    async def accept(self, viewer_id: int, user_id: int) -> Relation:
        """Raises NotFound when the account has not asked."""
        return await self._change(viewer_id, user_id, partial(rules.accept, viewer_id))

    async def accept_asked_before(self, before: int, viewer_id: int, user_id: int) -> None:
        """Accepts a request whose id is below `before`; a newer one, or none, stays as it is."""
        async with self._truth.pair(viewer_id, user_id) as pair:
            asked = await pair.asked(user_id, viewer_id)
            step = Step(Kind.FOLLOWED, user_id, viewer_id)
            changes = await pair.make([step]) if asked is not None and asked < before else []
        await self._show(viewer_id, user_id, changes)

    async def reject(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(rules.reject, viewer_id))

    async def remove_follower(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(rules.remove_follower, viewer_id))

    async def settle(self, change: Change) -> None:
        """Brings the views up to a change that is committed; may be repeated."""
        ends = change.step.actor_id, change.step.target_id
        gone = await self._truth.erased(*ends)
        await (self._relations.forget(*ends) if gone else self._relations.renew(*ends))
        await self._counts.apply(change, gone=gone)

    async def _follow(self, viewer_id: int, user_id: int) -> Relation:
        rules.check_pair(viewer_id, user_id)
        account = await existing(self._users, user_id)
        # As counted: some that come at the same moment may pass together.
        following = (await self._counts.get([viewer_id]))[viewer_id].following
        room = rules.Room(following, self._most_follows)
        return await self._change(
            viewer_id, user_id, lambda now: rules.follow(viewer_id, now, room, private=account.private)
        )

    async def _change(self, viewer_id: int, user_id: int, decide: Callable[[Relation], Sequence[Step]]) -> Relation:
        """Makes what `decide` answers to the relation as it is, and hands back the relation after that."""
        rules.check_pair(viewer_id, user_id)
        async with self._truth.pair(viewer_id, user_id) as pair:
            relation = await pair.relation(viewer_id, user_id)
            if steps := decide(relation):
                changes = await pair.make(steps)
                relation = replace(await pair.relation(viewer_id, user_id), changed=True)
            else:
                changes = []
        await self._show(viewer_id, user_id, changes)
        return relation

    async def _show(self, one_id: int, other_id: int, changes: Sequence[Change]) -> None:
        # Also when nothing changed: whoever made the change may have died before this.
        await self._relations.renew(one_id, other_id)
        for change in changes:
            await self._counts.try_apply(change)
