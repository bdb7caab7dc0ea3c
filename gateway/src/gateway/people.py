"""Accounts as the caller may see them: what several routes need of the user and graph services together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from heliograph.graph.v1 import graph_pb2
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from kit import log
from kit.errors import DeadlineExceeded, NotFound, Unavailable
from starlette.responses import Response

from gateway.here import Here, answer
from gateway.pages import Page
from gateway.schemas import answers, lists

logger = log.get(__name__)


def not_found() -> NotFound:
    return NotFound("USER_NOT_FOUND", "there is no such user")


async def visible(here: Here, profiles: Iterable[user_pb2.Profile]) -> list[user_pb2.Profile]:
    """Active accounts that do not block the caller, in the order given."""
    active = _active(profiles)
    others = [profile.id for profile in active if profile.id != here.viewer_id]
    if not here.viewer_id or not others:
        return active
    asked = graph_pb2.BatchGetRelationshipsRequest(viewer_id=here.viewer_id, ids=others)
    found = await here.services.graph.BatchGetRelationships(asked)
    blocking = {relation.id for relation in found.relationships if relation.blocked_by}
    return [profile for profile in active if profile.id not in blocking]


async def by_ids(here: Here, ids: Sequence[int]) -> list[user_pb2.Profile]:
    """Those of the accounts that the caller may see, in the order asked."""
    return await visible(here, await _profiles(here, ids))


async def active_by_ids(here: Here, ids: Sequence[int]) -> list[user_pb2.Profile]:
    """As by_ids, with accounts that block the caller: for those that the caller has blocked, or they could not be
    unblocked."""
    return _active(await _profiles(here, ids))


async def counts(here: Here, ids: Sequence[int]) -> dict[int, answers.ProfileCounts]:
    """Empty while one of the two services that count cannot be asked: a profile is worth showing without."""
    if not ids:
        return {}
    try:
        graph, posts = await asyncio.gather(
            here.services.graph.BatchGetCounts(graph_pb2.BatchGetCountsRequest(ids=ids)),
            here.services.post.BatchGetPostCounts(post_pb2.BatchGetPostCountsRequest(author_ids=ids)),
        )
    except (Unavailable, DeadlineExceeded) as error:
        logger.warning("profiles go without counts", reason=error.reason)
        return {}
    edges = {count.id: count for count in graph.counts}
    return {
        one: answers.ProfileCounts(
            posts=posts.posts.get(one, 0),
            followers=edges[one].followers if one in edges else 0,
            following=edges[one].following if one in edges else 0,
        )
        for one in ids
    }


async def listed(
    page: Page,
    edges: Callable[[int, str], Awaitable[tuple[Sequence[graph_pb2.Edge], str]]],
    people: Callable[[Here, Sequence[int]], Awaitable[list[user_pb2.Profile]]] = by_ids,
) -> Response:
    """A page of the accounts at the other ends of `edges`, which fetches so many after a token."""

    async def shown(found: Sequence[graph_pb2.Edge]) -> list[user_pb2.Profile]:
        return await people(page.here, [edge.user_id for edge in found])

    profiles, token = await page.filled(edges, shown)
    cursor, headers = page.next(token)
    return answer(lists.Users([page.here.render.user(profile) for profile in profiles], cursor), headers=headers)


async def _profiles(here: Here, ids: Sequence[int]) -> list[user_pb2.Profile]:
    """Those that there are, each once, in the order asked."""
    if not ids:
        return []
    asked = user_pb2.BatchGetProfilesRequest(ids=dict.fromkeys(ids))
    known = {profile.id: profile for profile in (await here.services.user.BatchGetProfiles(asked)).profiles}
    return [known[one] for one in asked.ids if one in known]


def _active(profiles: Iterable[user_pb2.Profile]) -> list[user_pb2.Profile]:
    return [profile for profile in profiles if profile.state in _SHOWN]


_SHOWN = (user_pb2.ACCOUNT_STATE_ACTIVE, user_pb2.ACCOUNT_STATE_UNSPECIFIED)
