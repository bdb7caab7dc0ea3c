"""SignInService of protos/heliograph/user/v1."""

from heliograph.user.v1 import sign_in_pb2 as pb
from heliograph.user.v1 import sign_in_pb2_grpc
from kit.paging import page_size
from kit.proto import timestamp
from kit.server import Context

from user_service.events import profile_message
from user_service.model.security import Device, LoggedEvent
from user_service.model.sign_in import Proof
from user_service.rpc.users import tokens_message
from user_service.service.log_in import LogIns
from user_service.service.security_events import SecurityEvents
from user_service.service.sessions import Sessions


class SignInRpc(sign_in_pb2_grpc.SignInServiceServicer):
    def __init__(self, log_ins: LogIns, sessions: Sessions, events: SecurityEvents) -> None:
        self._log_ins, self._sessions, self._events = log_ins, sessions, events

    async def FinishLogIn(self, request: pb.FinishLogInRequest, context: Context) -> pb.FinishLogInResponse:
        proof = Proof(request.code, request.recovery_code, request.assertion_json)
        done = await self._log_ins.finish(
            request.ticket, proof, _device(request.origin), cancel_deletion=request.cancel_deletion
        )
        return pb.FinishLogInResponse(
            tokens=tokens_message(done.granted),
            profile=profile_message(done.granted.profile),
            device_token=done.device_token,
        )

    async def StartPasskeyLogIn(
        self, request: pb.StartPasskeyLogInRequest, context: Context
    ) -> pb.StartPasskeyLogInResponse:
        begun = await self._log_ins.start_passkey()
        return pb.StartPasskeyLogInResponse(
            ticket=begun.ticket, options_json=begun.passkey_options, expires_at=timestamp(begun.expires_at)
        )

    async def FinishPasskeyLogIn(
        self, request: pb.FinishPasskeyLogInRequest, context: Context
    ) -> pb.FinishPasskeyLogInResponse:
        done = await self._log_ins.finish_passkey(
            request.ticket, request.assertion_json, _device(request.origin), cancel_deletion=request.cancel_deletion
        )
        return pb.FinishPasskeyLogInResponse(
            tokens=tokens_message(done.granted),
            profile=profile_message(done.granted.profile),
            device_token=done.device_token,
        )

    async def RevokeOtherSessions(
        self, request: pb.RevokeOtherSessionsRequest, context: Context
    ) -> pb.RevokeOtherSessionsResponse:
        device = _device(request.origin)
        ended = await self._sessions.revoke_others(request.viewer_id, request.keep_session_id, device)
        return pb.RevokeOtherSessionsResponse(session_ids=ended)

    async def ListSecurityEvents(
        self, request: pb.ListSecurityEventsRequest, context: Context
    ) -> pb.ListSecurityEventsResponse:
        size = page_size(request.page_size)
        events, following = await self._events.list(request.viewer_id, size=size, page_token=request.page_token)
        return pb.ListSecurityEventsResponse(events=map(_event, events), next_page_token=following)


def _device(origin: pb.Origin) -> Device:
    return Device(origin.address, origin.user_agent, origin.device_name, origin.device_token)


def _event(event: LoggedEvent) -> pb.SecurityEvent:
    return pb.SecurityEvent(
        id=event.id,
        kind=event.kind,
        address=event.device.address,
        user_agent=event.device.user_agent,
        session_id=event.session_id,
        details=event.details,
        created_at=timestamp(event.created_at),
    )
