"""Tags, and following them. Their posts are in routes/posts.py."""

from typing import Annotated

from fastapi import Path, Response
from heliograph.graph.v1 import graph_pb2
from heliograph.search.v1 import search_pb2
from kit import log
from kit.errors import DeadlineExceeded, Unavailable

from gateway.here import Here, HereDep, answer, nothing
from gateway.pages import PageDep
from gateway.routing import Auth, Policy, Routes
from gateway.schemas.requests import Text
from gateway.schemas.tags import FollowedTag, FollowedTags, TagPage

routes = Routes("Tags")

_FOLLOW = Policy(scope="follow")
Tag = Annotated[Text, Path(max_length=200)]

logger = log.get(__name__)


@routes.add("GET /v1/tags/{tag}", "getTag", "Read a tag", TagPage, policy=Policy(Auth.OPTIONAL))
async def get(here: HereDep, tag: Tag) -> Response:
    found = await here.services.graph.GetTag(graph_pb2.GetTagRequest(viewer_id=here.viewer_id, tag=tag))
    return answer(TagPage(found.tag, await _posts(here, found.tag), found.following))


@routes.add(
    "PUT /v1/tags/{tag}/follow",
    "followTag",
    "Follow a tag: public posts with it are in the home feed",
    FollowedTag,
    problems=(409,),
    policy=_FOLLOW,
)
async def follow(here: HereDep, tag: Tag) -> Response:
    followed = await here.services.graph.FollowTag(graph_pb2.FollowTagRequest(viewer_id=here.viewer.id, tag=tag))
    await here.notes.relations(here.viewer.id)
    return answer(FollowedTag(followed.tag))


@routes.add("DELETE /v1/tags/{tag}/follow", "unfollowTag", "Unfollow a tag", status=204, policy=_FOLLOW)
async def unfollow(here: HereDep, tag: Tag) -> Response:
    await here.services.graph.UnfollowTag(graph_pb2.UnfollowTagRequest(viewer_id=here.viewer.id, tag=tag))
    await here.notes.relations(here.viewer.id)
    return nothing()


@routes.add("GET /v1/me/followed-tags", "listFollowedTags", "Tags that one follows, newest first", FollowedTags)
async def followed(page: PageDep) -> Response:
    found = await page.here.services.graph.ListFollowedTags(
        graph_pb2.ListFollowedTagsRequest(viewer_id=page.here.viewer.id, page_size=page.limit, page_token=page.token)
    )
    cursor, headers = page.next(found.next_page_token)
    return answer(FollowedTags([FollowedTag(tag) for tag in found.tags], cursor), headers=headers)


async def _posts(here: Here, tag: str) -> int | None:
    """None while search is away: a tag can be shown and followed without."""
    try:
        return (await here.services.search.CountTagPosts(search_pb2.CountTagPostsRequest(tag=tag))).posts
    except (Unavailable, DeadlineExceeded) as error:
        logger.warning("a tag goes without its count", reason=error.reason)
        return None
