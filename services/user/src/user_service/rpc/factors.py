"""FactorService of protos/heliograph/user/v1."""

from heliograph.user.v1 import factors_pb2 as pb
from heliograph.user.v1 import factors_pb2_grpc, sign_in_pb2
from kit.paging import page_size
from kit.proto import timestamp
from kit.server import Context

from user_service.model.factors import Passkey
from user_service.model.security import Device
from user_service.model.sign_in import Proof
from user_service.service.confirmations import Confirmation, Confirmations
from user_service.service.factor_changes import FactorChanges
from user_service.service.passkeys import Passkeys


class FactorRpc(factors_pb2_grpc.FactorServiceServicer):
    def __init__(self, changes: FactorChanges, passkeys: Passkeys, confirmations: Confirmations) -> None:
        self._changes, self._passkeys, self._confirmations = changes, passkeys, confirmations

    async def GetFactors(self, request: pb.GetFactorsRequest, context: Context) -> pb.GetFactorsResponse:
        found = await self._changes.get(request.viewer_id)
        added = found.totp.confirmed_at if found.totp else None
        used = found.totp.last_used_at if found.totp else None
        return pb.GetFactorsResponse(
            totp=found.totp is not None,
            totp_added_at=timestamp(added) if added else None,
            totp_last_used_at=timestamp(used) if used and used != added else None,
            recovery_codes_left=found.recovery_codes_left,
            passkeys=found.passkeys,
        )

    async def BeginProof(self, request: pb.BeginProofRequest, context: Context) -> pb.BeginProofResponse:
        begun = await self._confirmations.begin_proof(request.viewer_id)
        return pb.BeginProofResponse(ticket=begun.ticket, options=begun.options, expires_at=timestamp(begun.expires_at))

    async def BeginTotp(self, request: pb.BeginTotpRequest, context: Context) -> pb.BeginTotpResponse:
        begun = await self._changes.begin_totp(
            request.viewer_id, _confirmation(request.confirmation), _device(request.origin)
        )
        return pb.BeginTotpResponse(secret=begun.text, uri=begun.uri, expires_at=timestamp(begun.expires_at))

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, context: Context) -> pb.ConfirmTotpResponse:
        codes = await self._changes.confirm_totp(request.viewer_id, request.code, _device(request.origin))
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def RemoveTotp(self, request: pb.RemoveTotpRequest, context: Context) -> pb.RemoveTotpResponse:
        await self._changes.remove_totp(request.viewer_id, _confirmation(request.confirmation), _device(request.origin))
        return pb.RemoveTotpResponse()

    async def MakeRecoveryCodes(
        self, request: pb.MakeRecoveryCodesRequest, context: Context
    ) -> pb.MakeRecoveryCodesResponse:
        codes = await self._changes.make_recovery_codes(
            request.viewer_id, _confirmation(request.confirmation), _device(request.origin)
        )
        return pb.MakeRecoveryCodesResponse(recovery_codes=codes)

    async def BeginPasskey(self, request: pb.BeginPasskeyRequest, context: Context) -> pb.BeginPasskeyResponse:
        begun = await self._passkeys.begin(
            request.viewer_id, _confirmation(request.confirmation), _device(request.origin)
        )
        return pb.BeginPasskeyResponse(
            ticket=begun.ticket, options=begun.options, expires_at=timestamp(begun.expires_at)
        )

    async def FinishPasskey(self, request: pb.FinishPasskeyRequest, context: Context) -> pb.FinishPasskeyResponse:
        passkey, codes = await self._passkeys.finish(
            request.viewer_id, request.ticket, request.credential, request.name, _device(request.origin)
        )
        return pb.FinishPasskeyResponse(passkey=_passkey(passkey), recovery_codes=codes)

    async def ListPasskeys(self, request: pb.ListPasskeysRequest, context: Context) -> pb.ListPasskeysResponse:
        found, following = await self._passkeys.list(
            request.viewer_id, size=page_size(request.page_size), page_token=request.page_token
        )
        return pb.ListPasskeysResponse(passkeys=[_passkey(one) for one in found], next_page_token=following)

    async def RemovePasskey(self, request: pb.RemovePasskeyRequest, context: Context) -> pb.RemovePasskeyResponse:
        await self._passkeys.remove(
            request.viewer_id, request.passkey_id, _confirmation(request.confirmation), _device(request.origin)
        )
        return pb.RemovePasskeyResponse()


def _confirmation(given: pb.Confirmation) -> Confirmation:
    proof = Proof(code=given.code, recovery_code=given.recovery_code, assertion=given.assertion)
    return Confirmation(given.password, proof, given.ticket)


def _device(origin: sign_in_pb2.Origin) -> Device:
    return Device(origin.address, origin.user_agent, origin.device_name, origin.device_token)


def _passkey(passkey: Passkey) -> pb.Passkey:
    return pb.Passkey(
        id=passkey.id,
        name=passkey.name,
        created_at=timestamp(passkey.created_at),
        last_used_at=timestamp(passkey.last_used_at) if passkey.last_used_at else None,
    )
