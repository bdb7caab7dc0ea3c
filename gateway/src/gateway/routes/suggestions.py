"""Whom one may want to follow."""

import asyncio
from typing import Annotated

from fastapi import Query, Response
from heliograph.graph.v1 import graph_pb2
from heliograph.user.v1 import user_pb2

from gateway.here import Here, HereDep, answer
from gateway.people import by_ids
from gateway.routing import Policy, Routes
from gateway.schemas.graph import Suggestion, Suggestions
from gateway.schemas.requests import DEFAULT_LIMIT, Id, Limit

routes = Routes("Graph")


@routes.add(
    "GET /v1/me/suggestions",
    "listSuggestions",
    "Accounts that those follow whom one follows, the best first, on one page",
    Suggestions,
)
async def suggestions(
    here: HereDep, limit: Annotated[Limit, Query(description="Above 100 counts as 100")] = DEFAULT_LIMIT
) -> Response:
    asked = graph_pb2.ListSuggestionsRequest(viewer_id=here.viewer.id, page_size=limit)
    found = (await here.services.graph.ListSuggestions(asked)).suggestions
    people, mutual = await asyncio.gather(
        by_ids(here, [one.user_id for one in found]),
        by_ids(here, [user_id for one in found for user_id in one.mutual_ids]),
    )
    profiles = {profile.id: profile for profile in [*people, *mutual]}
    listed = {profile.id for profile in people if not profile.unlisted}
    items = [_shown(here, one, profiles) for one in found if one.user_id in listed]
    return answer(Suggestions(items, None))


@routes.add(
    "DELETE /v1/me/suggestions/{user_id}",
    "dismissSuggestion",
    "Never suggest this account again",
    status=204,
    problems=(404,),
    policy=Policy(scope="follow"),
)
async def dismiss(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.DismissSuggestionRequest(viewer_id=here.viewer.id, user_id=user_id)
    await here.services.graph.DismissSuggestion(asked)
    return Response(status_code=204)


def _shown(here: Here, one: graph_pb2.Suggestion, profiles: dict[int, user_pb2.Profile]) -> Suggestion:
    return Suggestion(
        user=here.render.user(profiles[one.user_id]),
        mutual=[here.render.user(profiles[user_id]) for user_id in one.mutual_ids if user_id in profiles],
        mutual_count=one.mutual,
    )
