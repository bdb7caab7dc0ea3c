"""Other people's profiles."""

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import Query, Response
from heliograph.user.v1 import user_pb2
from kit import ids
from kit.errors import InvalidArgument, NotFound

from gateway.errors import bad_field
from gateway.here import HereDep, answer
from gateway.people import by_ids, counts, not_found, visible
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, lists
from gateway.schemas.requests import MOST_IDS, Text

routes = Routes("Profile")


@routes.add(
    "GET /v1/users",
    "listUsersById",
    "Profiles by id; those that cannot be seen are left out",
    lists.Profiles,
    policy=Policy(Auth.OPTIONAL),
)
async def by_id(
    here: HereDep, asked: Annotated[list[str], Query(alias="ids", description="Comma separated, at most 100")]
) -> Response:
    wanted = read_ids(asked)
    found, known = await asyncio.gather(by_ids(here, wanted), counts(here, wanted))
    items = [here.render.profile(profile, known.get(profile.id)) for profile in found]
    return answer(lists.Profiles(items, None))


@routes.add(
    "GET /v1/users/{username}",
    "getUser",
    "Read a profile; 308 when the username has changed",
    answers.Profile,
    others={308: None},
    problems=(404,),
    policy=Policy(Auth.OPTIONAL),
    etag=True,
)
async def by_username(here: HereDep, username: Text) -> Response:
    asked = user_pb2.GetProfileByUsernameRequest(username=username)
    try:
        found = await here.services.user.GetProfileByUsername(asked)
    except NotFound:
        raise not_found() from None  # the very words for who is hidden, too
    profile = found.profile
    shown, known = await asyncio.gather(visible(here, [profile]), counts(here, [profile.id]))
    if not shown:
        raise not_found()
    if found.moved:
        # For a while only: then the name may be somebody else's.
        headers = {"Location": f"/v1/users/{quote(profile.username)}", "Cache-Control": "no-store"}
        return Response(status_code=308, headers=headers)
    return here.read(here.render.profile(profile, known.get(profile.id)))


def read_ids(values: list[str]) -> list[int]:
    """Raises Refusal 422."""
    parts = [part.strip() for value in values for part in value.split(",") if part.strip()]
    if len(parts) > MOST_IDS:
        raise bad_field("/ids", f"at most {MOST_IDS} ids")
    try:
        return list(dict.fromkeys(ids.parse(part) for part in parts))
    except InvalidArgument:
        raise bad_field("/ids", "not an id") from None
