"""UserService of protos/heliograph/user/v1."""

from collections.abc import Awaitable, Callable, Sequence

from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1 import user_pb2_grpc
from kit.paging import page_size
from kit.proto import member, timestamp
from kit.server import Context

from user_service.events import profile_message
from user_service.model.accounts import Account
from user_service.model.devices import name_of
from user_service.model.security import Device
from user_service.model.sessions import Revocation, Session
from user_service.model.sign_in import Challenge
from user_service.service.accounts import Accounts
from user_service.service.log_in import LogIns
from user_service.service.sessions import Granted, Sessions
from user_service.service.tokens import AccessTokens

_REVOCATIONS = 1000
_PROFILES = 1  # member of a response


class UserRpc(user_pb2_grpc.UserServiceServicer):
    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        log_ins: LogIns,
        tokens: AccessTokens,
        published: Callable[[], Awaitable[None]],
    ) -> None:
        self._accounts, self._sessions, self._log_ins, self._tokens = accounts, sessions, log_ins, tokens
        self._published = published

    async def RegisterAccount(self, request: pb.RegisterAccountRequest, context: Context) -> pb.RegisterAccountResponse:
        account = await self._accounts.register(
            username=request.username,
            email=request.email,
            password=request.password,
            name=request.name,
            request_id=request.request_id,
            device=Device(request.address, request.user_agent),
        )
        return pb.RegisterAccountResponse(account=account_message(account))

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        return pb.GetAccountResponse(account=account_message(await self._accounts.get(request.viewer_id)))

    async def UpdateAccount(self, request: pb.UpdateAccountRequest, context: Context) -> pb.UpdateAccountResponse:
        values = {path: getattr(request.profile, path, None) for path in request.update_mask.paths}
        account = await self._accounts.edit(request.viewer_id, values, etag=request.etag)
        return pb.UpdateAccountResponse(account=account_message(account))

    async def BatchGetProfiles(
        self, request: pb.BatchGetProfilesRequest, context: Context
    ) -> pb.BatchGetProfilesResponse:
        profiles = await self._accounts.profiles(request.ids)
        return pb.BatchGetProfilesResponse.FromString(b"".join([member(_PROFILES, each) for each in profiles]))

    async def GetProfileByUsername(
        self, request: pb.GetProfileByUsernameRequest, context: Context
    ) -> pb.GetProfileByUsernameResponse:
        profile, moved = await self._accounts.profile_by_username(request.username)
        return pb.GetProfileByUsernameResponse(profile=profile_message(profile), moved=moved)

    async def ResolveUsernames(
        self, request: pb.ResolveUsernamesRequest, context: Context
    ) -> pb.ResolveUsernamesResponse:
        return pb.ResolveUsernamesResponse(ids=await self._accounts.resolve(request.usernames))

    async def AwaitPublished(self, request: pb.AwaitPublishedRequest, context: Context) -> pb.AwaitPublishedResponse:
        await self._published()
        return pb.AwaitPublishedResponse()

    async def CreateSession(self, request: pb.CreateSessionRequest, context: Context) -> pb.CreateSessionResponse:
        device = Device(request.address, request.user_agent, request.device_name, request.device_token)
        found = await self._log_ins.start(
            request.login, request.password, device, cancel_deletion=request.cancel_deletion
        )
        if isinstance(found, Challenge):
            return pb.CreateSessionResponse(second_factor=_second_factor(found))
        return pb.CreateSessionResponse(
            tokens=tokens_message(found.granted),
            profile=profile_message(found.granted.profile),
            device_token=found.device_token,
        )

    async def RefreshSession(self, request: pb.RefreshSessionRequest, context: Context) -> pb.RefreshSessionResponse:
        granted = await self._sessions.refresh(request.refresh_token, address=request.address)
        return pb.RefreshSessionResponse(tokens=tokens_message(granted), profile=profile_message(granted.profile))

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        sessions, following = await self._sessions.list(
            request.viewer_id, size=page_size(request.page_size), page_token=request.page_token
        )
        shown = [_session(session, request.current_session_id) for session in sessions]
        return pb.ListSessionsResponse(sessions=shown, next_page_token=following)

    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: Context) -> pb.RevokeSessionResponse:
        device = Device(request.address, request.user_agent)
        await self._sessions.revoke(request.viewer_id, request.session_id, device)
        return pb.RevokeSessionResponse()

    async def ListRevocations(self, request: pb.ListRevocationsRequest, context: Context) -> pb.ListRevocationsResponse:
        size = page_size(request.page_size, default=_REVOCATIONS, cap=_REVOCATIONS)
        return _revocations(request.after_revision, await self._sessions.revocations(request.after_revision, size=size))

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        return pb.GetJwksResponse(jwks_json=self._tokens.jwks())


def account_message(account: Account) -> pb.Account:
    return pb.Account(
        profile=profile_message(account.profile),
        email=account.email,
        email_verified=account.email_verified,
        etag=account.etag,
        role=pb.Role.ValueType(account.role.value),
        delete_after=timestamp(account.delete_after) if account.delete_after else None,
    )


def tokens_message(granted: Granted) -> pb.TokenPair:
    return pb.TokenPair(
        access_token=granted.access_token,
        refresh_token=granted.refresh_token,
        expires_in_seconds=int(granted.expires_in.total_seconds()),
    )


def _second_factor(challenge: Challenge) -> pb.SecondFactor:
    return pb.SecondFactor(
        ticket=challenge.ticket,
        methods=challenge.methods,
        passkey_options_json=challenge.passkey_options,
        expires_at=timestamp(challenge.expires_at),
    )


def _session(session: Session, current: int) -> pb.Session:
    return pb.Session(
        id=session.id,
        user_agent=session.user_agent,
        address=session.address,
        created_at=timestamp(session.created_at),
        last_used_at=timestamp(session.last_used_at),
        current=session.id == current,
        device_name=name_of(session.device_name, session.user_agent),
    )


def _revocations(after: int, found: Sequence[Revocation]) -> pb.ListRevocationsResponse:
    return pb.ListRevocationsResponse(
        revocations=[pb.Revocation(session_id=one.session_id, expires_at=timestamp(one.expires_at)) for one in found],
        revision=max((one.revision for one in found), default=after),
    )
