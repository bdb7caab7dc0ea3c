"""SearchService of protos/heliograph/search/v1, PersonalDataService of privacy/v1, UpkeepService of upkeep/v1."""

from typing import Any, Protocol

from heliograph.post.v1.post_pb2 import Post
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import PersonalDataServiceServicer
from heliograph.search.v1 import search_pb2 as pb
from heliograph.search.v1 import search_pb2_grpc as grpc_
from heliograph.upkeep.v1 import upkeep_pb2 as upkeep
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceServicer
from heliograph.user.v1.user_pb2 import Profile
from kit.errors import InvalidArgument
from kit.paging import page_size

from search_service.model import Kind, Place, TagCount
from search_service.service import Page, Rebuild, SearchService


class SearchRpc(grpc_.SearchServiceServicer):
    def __init__(self, service: SearchService[Profile, Post]) -> None:
        self._service = service

    async def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchResponse:
        size = page_size(request.page_size)
        viewer, query, token = request.viewer_id, request.query, request.page_token
        match request.type:
            case pb.RESULT_TYPE_USERS:
                return _users(await self._service.users(viewer, query, size, token))
            case pb.RESULT_TYPE_POSTS:
                return _posts(await self._service.posts(viewer, query, size, token))
            case pb.RESULT_TYPE_TAGS:
                return _tags(await self._service.tags(query, size, token))
            case pb.RESULT_TYPE_PLACES:
                return _places(await self._service.places(query, size, token))
            case _:
                raise InvalidArgument("INVALID_FIELD", "unknown type of result")

    async def CountTagPosts(self, request: pb.CountTagPostsRequest, context: Any) -> pb.CountTagPostsResponse:
        return pb.CountTagPostsResponse(posts=await self._service.tag_posts(request.tag))


class Forgetting(Protocol):
    async def forget_account(self, user_id: int) -> int:
        """Answers how many documents went; 0 when none is left."""
        ...


class PersonalRpc(PersonalDataServiceServicer):
    """All that is kept here are copies: there is nothing to export."""

    def __init__(self, index: Forgetting) -> None:
        self._index = index

    async def Export(self, request: privacy.ExportRequest, context: Any) -> privacy.ExportResponse:
        return privacy.ExportResponse()

    async def Erase(self, request: privacy.EraseRequest, context: Any) -> privacy.EraseResponse:
        removed = await self._index.forget_account(request.user_id)
        return privacy.EraseResponse(done=not removed, removed=removed)


class UpkeepRpc(UpkeepServiceServicer):
    def __init__(self, rebuild: Rebuild) -> None:
        self._rebuild = rebuild

    async def Rebuild(self, request: upkeep.RebuildRequest, context: Any) -> upkeep.RebuildResponse:
        kinds = {kind.value: kind for kind in (Kind.USERS, Kind.POSTS)}
        if request.view not in kinds:
            raise InvalidArgument("UNKNOWN_VIEW", f"the views here are {', '.join(kinds)}")
        step = await self._rebuild.step(kinds[request.view], request.token)
        return upkeep.RebuildResponse(done=step.done, next_token=step.token, phase=step.phase)


def _users(page: Page[Profile]) -> pb.SearchResponse:
    return pb.SearchResponse(results=[pb.SearchResult(user=p) for p in page.items], next_page_token=page.next_token)


def _posts(page: Page[Post]) -> pb.SearchResponse:
    return pb.SearchResponse(results=[pb.SearchResult(post=p) for p in page.items], next_page_token=page.next_token)


def _tags(page: Page[TagCount]) -> pb.SearchResponse:
    tags = [pb.SearchResult(tag=pb.Tag(name=tag.name, posts=tag.posts)) for tag in page.items]
    return pb.SearchResponse(results=tags, next_page_token=page.next_token)


def _places(page: Page[Place]) -> pb.SearchResponse:
    places = [
        pb.SearchResult(place=pb.Place(id=p.id, name=p.name, latitude=p.latitude, longitude=p.longitude))
        for p in page.items
    ]
    return pb.SearchResponse(results=places, next_page_token=page.next_token)
