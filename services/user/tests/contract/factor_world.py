"""An owner with second factors: an authenticator app, passkeys, and the calls to come in with them."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from heliograph.user.v1 import factors_pb2 as pb
from heliograph.user.v1 import sign_in_pb2, user_pb2
from heliograph.user.v1.factors_pb2_grpc import FactorServiceStub
from heliograph.user.v1.sign_in_pb2_grpc import SignInServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import Unauthenticated
from support.authenticator import Authenticator, Json
from user_service.service.totp import code_at, step_of

from .conftest import PASSWORD, Clock

WHERE = sign_in_pb2.Origin(address="192.0.2.1", user_agent="Test/1")


@dataclass
class Owner:
    """`secret` is that of the app, once it is on; `codes` are the recovery codes."""

    id: int
    name: str
    channel: grpc.aio.Channel
    clock: Clock
    secret: bytes = b""
    codes: tuple[str, ...] = ()

    @property
    def factors(self) -> FactorServiceStub:
        return FactorServiceStub(self.channel)

    @property
    def sign_in(self) -> SignInServiceStub:
        return SignInServiceStub(self.channel)

    def code(self, steps: int = 0) -> str:
        """What the app shows; `steps` later than now."""
        return code_at(self.secret, step_of(self.clock()) + steps)

    def fresh_code(self) -> str:
        """One that was not used: the clock goes on."""
        self.clock.now += timedelta(seconds=60)
        return self.code()

    def wrong_code(self) -> str:
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444") if code not in near)

    async def begin_totp(self, **proof: str) -> pb.BeginTotpResponse:
        request = pb.BeginTotpRequest(viewer_id=self.id, confirmation=confirmation(**proof), origin=WHERE)
        begun = await self.factors.BeginTotp(request)
        self.secret = base64.b32decode(begun.secret)
        return begun

    async def confirm_totp(self, code: str) -> tuple[str, ...]:
        request = pb.ConfirmTotpRequest(viewer_id=self.id, code=code, origin=WHERE)
        return tuple((await self.factors.ConfirmTotp(request)).recovery_codes)

    async def turn_totp_on(self, **proof: str) -> tuple[str, ...]:
        await self.begin_totp(**proof)
        made = await self.confirm_totp(self.code())
        self.codes = made or self.codes
        return made

    async def remove_totp(self, **given: str) -> None:
        await self.factors.RemoveTotp(
            pb.RemoveTotpRequest(viewer_id=self.id, confirmation=confirmation(**given), origin=WHERE)
        )

    async def renew_codes(self, **given: str) -> tuple[str, ...]:
        request = pb.MakeRecoveryCodesRequest(viewer_id=self.id, confirmation=confirmation(**given), origin=WHERE)
        self.codes = tuple((await self.factors.MakeRecoveryCodes(request)).recovery_codes)
        return self.codes

    async def begin_passkey(self, **given: str) -> pb.BeginPasskeyResponse:
        request = pb.BeginPasskeyRequest(viewer_id=self.id, confirmation=confirmation(**given), origin=WHERE)
        return await self.factors.BeginPasskey(request)

    async def finish_passkey(self, ticket: str, credential: Json, name: str = "") -> pb.FinishPasskeyResponse:
        request = pb.FinishPasskeyRequest(
            viewer_id=self.id, ticket=ticket, credential=json.dumps(credential), name=name, origin=WHERE
        )
        made = await self.factors.FinishPasskey(request)
        self.codes = tuple(made.recovery_codes) or self.codes
        return made

    async def add_passkey(self, device: Authenticator, name: str = "", **given: str) -> pb.FinishPasskeyResponse:
        begun = await self.begin_passkey(**given)
        return await self.finish_passkey(begun.ticket, device.create(json.loads(begun.options)), name)

    async def remove_passkey(self, passkey_id: int, **given: str) -> None:
        request = pb.RemovePasskeyRequest(
            viewer_id=self.id, passkey_id=passkey_id, confirmation=confirmation(**given), origin=WHERE
        )
        await self.factors.RemovePasskey(request)

    async def passkeys(self) -> list[pb.Passkey]:
        return list((await self.factors.ListPasskeys(pb.ListPasskeysRequest(viewer_id=self.id))).passkeys)

    async def factors_on(self) -> pb.GetFactorsResponse:
        return await self.factors.GetFactors(pb.GetFactorsRequest(viewer_id=self.id))

    async def prove(self, device: Authenticator) -> dict[str, str]:
        """A passkey's proof, for a change."""
        begun = await self.factors.BeginProof(pb.BeginProofRequest(viewer_id=self.id))
        return {"assertion": json.dumps(device.get(json.loads(begun.options))), "ticket": begun.ticket}

    async def start(self) -> user_pb2.CreateSessionResponse:
        """Log in with the password."""
        request = user_pb2.CreateSessionRequest(login=self.name, password=PASSWORD, address="192.0.2.1")
        return await UserServiceStub(self.channel).CreateSession(request)

    async def finish(self, ticket: str, **proof: str) -> sign_in_pb2.FinishLogInResponse:
        request = sign_in_pb2.FinishLogInRequest(
            ticket=ticket,
            code=proof.get("code", ""),
            recovery_code=proof.get("recovery_code", ""),
            assertion_json=proof.get("assertion_json", ""),
            origin=WHERE,
        )
        return await self.sign_in.FinishLogIn(request)

    async def gets_in(self, **proof: str) -> bool:
        """With the password and this."""
        begun = await self.start()
        try:
            finished = await self.finish(begun.second_factor.ticket, **proof)
        except Unauthenticated as error:
            if error.reason != "BAD_SECOND_FACTOR":
                raise
            return False
        return bool(finished.tokens.access_token)

    async def begin_log_in(self) -> sign_in_pb2.StartPasskeyLogInResponse:
        """By passkey alone."""
        return await self.sign_in.StartPasskeyLogIn(sign_in_pb2.StartPasskeyLogInRequest(origin=WHERE))

    async def log_in_by_passkey(self, device: Authenticator, **said: Any) -> sign_in_pb2.FinishPasskeyLogInResponse:
        begun = await self.begin_log_in()
        answer = device.get(json.loads(begun.options_json), **said)
        return await self.answer_log_in(begun.ticket, answer)

    async def answer_log_in(self, ticket: str, answer: Json) -> sign_in_pb2.FinishPasskeyLogInResponse:
        request = sign_in_pb2.FinishPasskeyLogInRequest(ticket=ticket, assertion_json=json.dumps(answer), origin=WHERE)
        return await self.sign_in.FinishPasskeyLogIn(request)


def confirmation(**given: str) -> pb.Confirmation:
    return pb.Confirmation(**{"password": PASSWORD, **given})
