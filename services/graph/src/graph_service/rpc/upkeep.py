"""heliograph.upkeep.v1.UpkeepService: counts of follows anew."""

from heliograph.upkeep.v1 import upkeep_pb2 as pb
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceServicer
from kit.errors import InvalidArgument
from kit.server import Context

from graph_service.clients import AllUsers
from graph_service.store.counts import Counts

NAME = pb.DESCRIPTOR.services_by_name["UpkeepService"].full_name


class UpkeepRpc(UpkeepServiceServicer):
    """Every account is handed to the comparison of its counts with its edges."""

    def __init__(self, users: AllUsers, counts: Counts) -> None:
        self._users, self._counts = users, counts

    async def Rebuild(self, request: pb.RebuildRequest, context: Context) -> pb.RebuildResponse:
        if request.view != "counts":
            raise InvalidArgument("UNKNOWN_VIEW", "the views here are counts")
        if not (request.token or "0").isdecimal() or len(request.token) > 19:
            raise InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this view")
        ids, following = await self._users.after(int(request.token or 0))
        await self._counts.recheck(ids)
        return pb.RebuildResponse(done=len(ids), next_token=str(following or ""), phase="accounts")
