"""Media calls."""

from heliograph.post.v1 import post_pb2, post_pb2_grpc
from kit.server import Context

from post_service.rpc.messages import media_message, upload_message
from post_service.rpc.requests import announcement_of, description_of, request_id_of
from post_service.service.media import MediaService


class MediaCalls(post_pb2_grpc.PostServiceServicer):
    _media: MediaService

    async def CreateMedia(self, request: post_pb2.CreateMediaRequest, context: Context) -> post_pb2.CreateMediaResponse:
        medium, upload = await self._media.create(
            request.viewer_id, request_id_of(request.request_id), announcement_of(request)
        )
        return post_pb2.CreateMediaResponse(media=media_message(medium), upload=upload_message(upload))

    async def CompleteMedia(
        self, request: post_pb2.CompleteMediaRequest, context: Context
    ) -> post_pb2.CompleteMediaResponse:
        medium = await self._media.complete(request.viewer_id, request.media_id)
        return post_pb2.CompleteMediaResponse(media=media_message(medium))

    async def GetMedia(self, request: post_pb2.GetMediaRequest, context: Context) -> post_pb2.GetMediaResponse:
        medium = await self._media.get(request.viewer_id, request.media_id)
        return post_pb2.GetMediaResponse(media=media_message(medium))

    async def UpdateMedia(self, request: post_pb2.UpdateMediaRequest, context: Context) -> post_pb2.UpdateMediaResponse:
        medium = await self._media.update(request.viewer_id, request.media.id, description_of(request))
        return post_pb2.UpdateMediaResponse(media=media_message(medium))
