"""PersonalDataService of protos/heliograph/privacy/v1."""

from heliograph.privacy.v1 import privacy_pb2 as pb
from heliograph.privacy.v1.privacy_pb2_grpc import PersonalDataServiceServicer
from kit.server import Context

from graph_service.service.personal import PersonalData

NAME = pb.DESCRIPTOR.services_by_name["PersonalDataService"].full_name


class PersonalRpc(PersonalDataServiceServicer):
    def __init__(self, data: PersonalData) -> None:
        self._data = data

    async def Export(self, request: pb.ExportRequest, context: Context) -> pb.ExportResponse:
        pieces, following = await self._data.export(request.user_id, request.page_token)
        files = [pb.File(path=piece.path, content=piece.content) for piece in pieces]
        return pb.ExportResponse(files=files, next_page_token=following)

    async def Erase(self, request: pb.EraseRequest, context: Context) -> pb.EraseResponse:
        done, removed = await self._data.erase(request.user_id)
        return pb.EraseResponse(done=done, removed=removed)
