"""Who may call whom, on real ports with real certificates."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from devstack.authority import Authority
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2
from kit import certificates, errors, server
from kit.many import Batcher
from kit.settings import BadSettings
from prometheus_client import REGISTRY

from .echo import METHOD, NAME, say, settings
from .secured import OTHER, health, listed, serving, told, watched


def refusals(caller: str) -> float:
    name = "heliograph_rpc_server_refused_callers_total"
    return REGISTRY.get_sample_value(name, {"caller": caller}) or 0


async def test_a_caller_of_the_list_is_answered_and_named_by_its_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as place, place.channel("gateway") as channel:
        assert (await say(channel)(StringValue(value="alone"))).value == "alone"
        answer = await Batcher(channel, service="echo").call(METHOD, StringValue(value="batched"), StringValue)
        assert answer.value == "batched"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["caller"] for line in lines if line.get("method") == METHOD] == ["gateway"]


async def test_a_service_that_is_not_on_the_list_is_refused_however_it_calls(tmp_path: Path) -> None:
    before = refusals("search")
    async with serving(tmp_path) as place:
        async with place.channel("search") as channel:
            batcher = Batcher(channel, service="echo")
            for ask in (
                lambda: say(channel)(StringValue(value="x")),
                lambda: batcher.call(METHOD, StringValue(value="x"), StringValue),
            ):
                with pytest.raises(errors.Internal, match="CALLER_NOT_ALLOWED"):
                    await ask()
        async with place.bare("search") as channel:
            assert await told(lambda: say(channel)(StringValue(value="x"))) is grpc.StatusCode.PERMISSION_DENIED
            assert await told(lambda: health(channel)) is grpc.StatusCode.PERMISSION_DENIED
            assert await told(lambda: watched(channel)) is grpc.StatusCode.PERMISSION_DENIED
            assert await told(lambda: listed(channel)) is grpc.StatusCode.PERMISSION_DENIED
    assert refusals("search") == before + 6


async def test_health_and_reflection_are_for_whoever_may_call_something(tmp_path: Path) -> None:
    async with serving(tmp_path) as place, place.bare("gateway") as channel:
        assert await health(channel) == health_pb2.HealthCheckResponse.SERVING
        assert await watched(channel) == health_pb2.HealthCheckResponse.SERVING
        assert NAME in await listed(channel)


async def test_a_batch_opens_no_method_that_its_caller_may_not_call_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as place, place.channel("gateway") as channel, place.channel("helio") as operators:
        batcher = Batcher(channel, service="echo")
        asked = [
            batcher.call(METHOD, StringValue(value="mine"), StringValue),
            batcher.call(f"/{OTHER}/Say", StringValue(value="not mine"), StringValue),
        ]
        mine, other = await asyncio.gather(*asked, return_exceptions=True)
        assert mine == StringValue(value="mine")
        assert isinstance(other, errors.Internal)
        assert other.reason == "CALLER_NOT_ALLOWED"
        batcher = Batcher(operators, service="echo")
        assert (await batcher.call(f"/{OTHER}/Say", StringValue(value="theirs"), StringValue)).value == "theirs"


@pytest.mark.parametrize(
    "identity", ["https://heliograph/gateway", "spiffe://elsewhere/gateway", "spiffe://heliograph/"]
)
async def test_a_certificate_that_names_no_service_of_ours_is_refused(tmp_path: Path, identity: str) -> None:
    before = refusals("other")
    async with serving(tmp_path) as place, place.bare(identity) as channel:
        assert await told(lambda: say(channel)(StringValue(value="x"))) is grpc.StatusCode.PERMISSION_DENIED
    assert refusals("other") == before + 1


async def test_a_certificate_of_two_names_is_nobodys(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        key, files = ec.generate_private_key(ec.SECP256R1()), place.authority.issue("gateway")
        one = x509.load_pem_x509_certificate(files["tls.crt"])
        names = x509.SubjectAlternativeName(
            x509.UniformResourceIdentifier(f"{certificates.IDENTITY}{name}") for name in ("gateway", "helio")
        )
        made = x509.CertificateBuilder(one.issuer, one.subject, key.public_key(), one.serial_number + 1)
        made = made.not_valid_before(one.not_valid_before_utc).not_valid_after(one.not_valid_after_utc)
        two = made.add_extension(names, critical=False).sign(place.authority.key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        credentials = grpc.ssl_channel_credentials(place.authority.pem, private, two.public_bytes(Encoding.PEM))
        async with grpc.aio.secure_channel(place.target, credentials) as channel:
            assert await told(lambda: say(channel)(StringValue(value="x"))) is grpc.StatusCode.PERMISSION_DENIED


async def test_without_a_certificate_of_the_authority_nothing_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        async with place.bare("gateway", Authority.make()) as foreign:
            assert await told(lambda: say(foreign)(StringValue(value="x"))) is grpc.StatusCode.UNAVAILABLE
        nobody = grpc.ssl_channel_credentials(place.authority.pem)
        async with grpc.aio.secure_channel(place.target, nobody) as channel:
            assert await told(lambda: say(channel)(StringValue(value="x"))) is grpc.StatusCode.UNAVAILABLE
        async with grpc.aio.insecure_channel(place.target) as plain:
            assert await told(lambda: say(plain)(StringValue(value="x"))) is grpc.StatusCode.UNAVAILABLE


async def test_a_server_has_to_prove_its_name(tmp_path: Path) -> None:
    async with serving(tmp_path, host="127.0.0.2") as place, place.channel("gateway") as channel:
        with pytest.raises(errors.Unavailable):
            await say(channel)(StringValue(value="x"))


async def test_the_setting_goes_in_place_of_the_rules(tmp_path: Path) -> None:
    async with serving(tmp_path, allowed_callers="search, helio") as place:
        async with place.channel("search") as channel:
            for method in (METHOD, f"/{OTHER}/Say"):
                assert await Batcher(channel, service="echo").call(method, StringValue(value="x"), StringValue)
        async with place.channel("gateway") as channel:
            with pytest.raises(errors.Internal, match="CALLER_NOT_ALLOWED"):
                await say(channel)(StringValue(value="x"))


async def test_a_list_of_callers_that_nobody_can_check_is_a_bad_setting() -> None:
    asked = settings(allowed_callers="gateway")
    with pytest.raises(BadSettings, match="HELIOGRAPH_TLS_DIR"):
        async with server.running(asked, "echo", register=[], names=[]):
            pass


async def test_the_probe_port_answers_health_and_nothing_else(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as place,
        grpc.aio.insecure_channel(f"127.0.0.1:{place.process.probe_port}") as channel,
    ):
        assert await health(channel) == health_pb2.HealthCheckResponse.SERVING
        asked: list[Callable[[], Awaitable[object]]] = [
            partial(listed, channel),
            partial(watched, channel),
            lambda: say(channel)(StringValue(value="x")),
        ]
        for ask in asked:
            assert await told(ask) is grpc.StatusCode.UNIMPLEMENTED
        await place.process.readiness.close()
        assert await health(channel) == health_pb2.HealthCheckResponse.NOT_SERVING
