"""LifecycleService of protos/heliograph/user/v1."""

from heliograph.user.v1 import factors_pb2, lifecycle_pb2_grpc, sign_in_pb2
from heliograph.user.v1 import lifecycle_pb2 as pb
from kit.proto import timestamp
from kit.server import Context

from user_service.model.lifecycle import Export, Link
from user_service.model.security import Device
from user_service.model.sign_in import Proof
from user_service.service.confirmations import Confirmation
from user_service.service.lifecycle import Lifecycle


class LifecycleRpc(lifecycle_pb2_grpc.LifecycleServiceServicer):
    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    async def RequestExport(self, request: pb.RequestExportRequest, context: Context) -> pb.RequestExportResponse:
        export = await self._lifecycle.request_export(request.viewer_id, _device(request.origin))
        return pb.RequestExportResponse(export=_export(export, None))

    async def GetExport(self, request: pb.GetExportRequest, context: Context) -> pb.GetExportResponse:
        return pb.GetExportResponse(export=_export(*await self._lifecycle.export(request.viewer_id)))

    async def DeleteAccount(self, request: pb.DeleteAccountRequest, context: Context) -> pb.DeleteAccountResponse:
        delete_after = await self._lifecycle.delete(
            request.viewer_id, _confirmation(request.confirmation), _device(request.origin)
        )
        return pb.DeleteAccountResponse(delete_after=timestamp(delete_after))


def _export(export: Export, link: Link | None) -> pb.Export:
    return pb.Export(
        id=export.id,
        state=pb.ExportState.ValueType(export.state.value),
        progress=export.progress,
        requested_at=timestamp(export.requested_at),
        ready_at=timestamp(export.ready_at) if export.ready_at else None,
        expires_at=timestamp(export.expires_at) if export.expires_at else None,
        bytes=export.bytes,
        link=link.url if link else "",
        link_expires_at=timestamp(link.expires_at) if link else None,
    )


def _confirmation(given: factors_pb2.Confirmation) -> Confirmation:
    proof = Proof(code=given.code, recovery_code=given.recovery_code, assertion=given.assertion)
    return Confirmation(given.password, proof, given.ticket)


def _device(origin: sign_in_pb2.Origin) -> Device:
    return Device(origin.address, origin.user_agent, origin.device_name, origin.device_token)
