"""AdminService of protos/heliograph/user/v1."""

from heliograph.user.v1 import admin_pb2 as pb
from heliograph.user.v1 import admin_pb2_grpc, user_pb2
from kit.errors import FieldViolation, InvalidArgument
from kit.paging import page_size
from kit.proto import timestamp
from kit.server import Context

from user_service.events import profile_message
from user_service.model.accounts import Account, AccountState, Role
from user_service.model.administration import Actor, AdminView, AuditEntry
from user_service.model.security import Device
from user_service.service.administration import Administration

_SCAN = 200


class AdminRpc(admin_pb2_grpc.AdminServiceServicer):
    def __init__(self, administration: Administration) -> None:
        self._administration = administration

    async def ListUsers(self, request: pb.ListUsersRequest, context: Context) -> pb.ListUsersResponse:
        users, following = await self._administration.users(
            _actor(request.actor),
            request.query,
            next((state for state in AccountState if state == request.state), None),
            next((role for role in Role if role == request.role), None),
            size=page_size(request.page_size),
            page_token=request.page_token,
        )
        return pb.ListUsersResponse(users=map(_user, users), next_page_token=following)

    async def GetUser(self, request: pb.GetUserRequest, context: Context) -> pb.GetUserResponse:
        return pb.GetUserResponse(user=_user(await self._administration.user(_actor(request.actor), request.user_id)))

    async def SuspendUser(self, request: pb.SuspendUserRequest, context: Context) -> pb.SuspendUserResponse:
        done = await self._administration.suspend(_actor(request.actor), request.user_id, request.reason)
        return pb.SuspendUserResponse(user=_user(done))

    async def RestoreUser(self, request: pb.RestoreUserRequest, context: Context) -> pb.RestoreUserResponse:
        done = await self._administration.restore(_actor(request.actor), request.user_id, request.reason)
        return pb.RestoreUserResponse(user=_user(done))

    async def SetRole(self, request: pb.SetRoleRequest, context: Context) -> pb.SetRoleResponse:
        actor, role = _actor(request.actor), _role(request.role)
        done = await self._administration.set_role(actor, request.user_id, role, request.reason)
        return pb.SetRoleResponse(user=_user(done))

    async def ResetFactor(self, request: pb.ResetFactorRequest, context: Context) -> pb.ResetFactorResponse:
        done = await self._administration.reset_factor(_actor(request.actor), request.user_id, request.reason)
        return pb.ResetFactorResponse(user=_user(done))

    async def ListAudit(self, request: pb.ListAuditRequest, context: Context) -> pb.ListAuditResponse:
        entries, following = await self._administration.audit(
            _actor(request.actor),
            request.user_id or None,
            size=page_size(request.page_size),
            page_token=request.page_token,
        )
        return pb.ListAuditResponse(entries=map(_entry, entries), next_page_token=following)

    async def RecordAct(self, request: pb.RecordActRequest, context: Context) -> pb.RecordActResponse:
        kept = await self._administration.record(
            _actor(request.actor), request.action, request.user_id, request.reason, dict(request.details)
        )
        return pb.RecordActResponse(entry=_entry(kept))

    async def ScanProfiles(self, request: pb.ScanProfilesRequest, context: Context) -> pb.ScanProfilesResponse:
        size = page_size(request.page_size, default=_SCAN, cap=_SCAN)
        found, following = await self._administration.scan(request.after_id, size)
        return pb.ScanProfilesResponse(profiles=map(profile_message, found), next_after_id=following)


def _role(value: int) -> Role:
    try:
        return Role(value)
    except ValueError:
        fields = [FieldViolation("/role", "no such role")]
        raise InvalidArgument("INVALID_FIELD", "no such role", fields=fields) from None


def _actor(message: pb.Actor) -> Actor:
    return Actor(message.account_id, message.operator, Device(message.address, message.user_agent))


def _user(view: AdminView) -> pb.AdminUser:
    return pb.AdminUser(
        account=_account(view.account), has_second_factor=view.has_second_factor, sessions=view.sessions
    )


def _account(account: Account) -> user_pb2.Account:
    return user_pb2.Account(
        profile=profile_message(account.profile),
        email=account.email,
        email_verified=account.email_verified,
        etag=account.etag,
        role=user_pb2.Role.ValueType(account.role.value),
        delete_after=timestamp(account.delete_after) if account.delete_after else None,
    )


def _entry(kept: AuditEntry) -> pb.AuditEntry:
    entry = kept.entry
    return pb.AuditEntry(
        id=kept.id,
        actor_id=entry.actor.account_id,
        actor=entry.actor.name,
        action=entry.action,
        user_id=entry.user_id,
        reason=entry.reason,
        address=entry.actor.device.address,
        details=entry.details,
        created_at=timestamp(kept.created_at),
    )
