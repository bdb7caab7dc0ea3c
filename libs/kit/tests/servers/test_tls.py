"""Who may call whom, on real ports with real certificates."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from devstack.authority import Authority, place
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from kit import certificates, client, errors, server
from kit.many import Batcher
from kit.server import Context
from kit.settings import BadSettings
from prometheus_client import REGISTRY

from .echo import METHOD, NAME, register, say, settings

OTHER = "kit.test.Other"
RULES = {NAME: {"gateway", "helio"}, OTHER: {"helio"}}


async def echo(text: str, _: Context) -> str:
    return text


def other(target: grpc.aio.Server) -> None:
    async def say(request: StringValue, _: Context) -> StringValue:
        return request

    handler = grpc.unary_unary_rpc_method_handler(say, StringValue.FromString, StringValue.SerializeToString)
    target.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(OTHER, {"Say": handler})])


@dataclass(frozen=True)
class Place:
    """A server, and certificates for who calls it."""

    folder: Path
    authority: Authority
    process: server.Running

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.process.port}"

    def certified(self, name: str, authority: Authority | None = None) -> Path:
        place(self.folder / name, (authority or self.authority).issue(name))
        return self.folder / name

    def channel(self, name: str) -> Any:
        return client.channel(self.target, service="echo", seconds=5, tls=self.certified(name))

    @asynccontextmanager
    async def bare(self, identity: str, authority: Authority | None = None) -> AsyncGenerator[grpc.aio.Channel]:
        """Without the kit, as whoever `identity` says; trusts this server in any case."""
        files = (authority or self.authority).issue(identity)
        credentials = grpc.ssl_channel_credentials(self.authority.pem, files["tls.key"], files["tls.crt"])
        async with grpc.aio.secure_channel(self.target, credentials) as channel:
            yield channel


@asynccontextmanager
async def serving(folder: Path, answer: Any = echo, host: str = "127.0.0.1", **told: object) -> AsyncGenerator[Place]:
    authority = Authority.make()
    place(folder / "echo", authority.issue("echo", host=host))
    asked = settings(tls_dir=folder / "echo", probe_listen="127.0.0.1:0", shutdown_grace_seconds=1, **told)
    added = [register(answer), other]
    async with server.running(asked, "echo", register=added, names=[NAME, OTHER], callers=RULES) as process:
        yield Place(folder, authority, process)


def refusals(caller: str) -> float:
    name = "heliograph_rpc_server_refused_callers_total"
    return REGISTRY.get_sample_value(name, {"caller": caller}) or 0


async def told(ask: Callable[[], Awaitable[object]]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask()
    return caught.value.code()


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
            assert await told(lambda: _health(channel)) is grpc.StatusCode.PERMISSION_DENIED
            assert await told(lambda: _watched(channel)) is grpc.StatusCode.PERMISSION_DENIED
            assert await told(lambda: _listed(channel)) is grpc.StatusCode.PERMISSION_DENIED
    assert refusals("search") == before + 6


async def test_health_and_reflection_are_for_whoever_may_call_something(tmp_path: Path) -> None:
    async with serving(tmp_path) as place, place.bare("gateway") as channel:
        assert await _health(channel) == health_pb2.HealthCheckResponse.SERVING
        assert await _watched(channel) == health_pb2.HealthCheckResponse.SERVING
        assert NAME in await _listed(channel)


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
    told = settings(allowed_callers="gateway")
    with pytest.raises(BadSettings, match="HELIOGRAPH_TLS_DIR"):
        async with server.running(told, "echo", register=[], names=[]):
            pass


async def test_the_probe_port_answers_health_and_nothing_else(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as place,
        grpc.aio.insecure_channel(f"127.0.0.1:{place.process.probe_port}") as channel,
    ):
        assert await _health(channel) == health_pb2.HealthCheckResponse.SERVING
        asked: list[Callable[[], Awaitable[object]]] = [
            partial(_listed, channel),
            partial(_watched, channel),
            lambda: say(channel)(StringValue(value="x")),
        ]
        for ask in asked:
            assert await told(ask) is grpc.StatusCode.UNIMPLEMENTED
        await place.process.readiness.close()
        assert await _health(channel) == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_renewed_certificates_are_taken_without_a_failed_call(tmp_path: Path) -> None:
    """A new authority, step by step as the runbook has it, while calls of all kinds go on."""
    asked, going = asyncio.Event(), asyncio.Event()

    async def answer(text: str, _: Context) -> str:
        if text == "long":
            asked.set()
            await going.wait()
        return text

    async with serving(tmp_path, answer, allowed_callers="gateway") as place_, place_.channel("gateway") as channel:
        old, new, batcher = place_.authority, Authority.make(), Batcher(channel, service="echo")
        long = asyncio.ensure_future(say(channel)(StringValue(value="long"), timeout=20))
        await asked.wait()
        for signer, trusted in ((old, old.pem + new.pem), (new, old.pem + new.pem), (new, new.pem)):
            for name in ("gateway", "echo"):
                place(tmp_path / name, {**signer.issue(name), "ca.crt": trusted})
            async with asyncio.timeout(10):
                end = asyncio.get_running_loop().time() + 1.5  # both sides look once a second
                while asyncio.get_running_loop().time() < end:
                    assert (await say(channel)(StringValue(value="x"))).value == "x"
                    assert (await batcher.call(METHOD, StringValue(value="y"), StringValue)).value == "y"
        going.set()
        assert (await long).value == "long"
        async with place_.bare("gateway", old) as left:
            assert await told(lambda: say(left)(StringValue(value="x"))) is grpc.StatusCode.UNAVAILABLE
        files = new.issue("gateway")
        credentials = grpc.ssl_channel_credentials(new.pem, files["tls.key"], files["tls.crt"])
        async with grpc.aio.secure_channel(place_.target, credentials) as bare:
            assert (await say(bare)(StringValue(value="x"))).value == "x"


async def _health(channel: grpc.aio.Channel) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)).status


async def _watched(channel: grpc.aio.Channel) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=5)
    try:
        return (await anext(aiter(watching))).status
    finally:
        watching.cancel()


async def _listed(channel: Any) -> list[str]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = await anext(aiter(stub.ServerReflectionInfo(iter([asked]), timeout=5)))
    return [service.name for service in answer.list_services_response.service]


def test_files_that_do_not_fit_together_change_nothing(tmp_path: Path) -> None:
    authority, now = Authority.make(), 0.0
    before = authority.issue("user")
    place(tmp_path, before)
    found = certificates.Certificates(tmp_path, lambda: now)
    after = authority.issue("user")
    for fault in ({**before, "tls.crt": after["tls.crt"]}, {**after, "ca.crt": b"none"}):
        place(tmp_path, fault)
        now += 2
        assert found.current().chain == before["tls.crt"]
    place(tmp_path, after)
    assert found.current().chain == before["tls.crt"]  # it does not look all the time
    now += 2
    assert found.current().chain == after["tls.crt"]
    (tmp_path / "..data").unlink()
    now += 2
    assert found.current().chain == after["tls.crt"]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({}, "tls.crt: No such file or directory"),
        ({"tls.key": b"none"}, "no PEM"),
        ({"tls.key": Authority.make().issue("user")["tls.key"]}, "not the key"),
        (Authority.make().issue("https://example.org"), "one URI"),
    ],
)
def test_a_folder_of_no_use_is_a_bad_setting(tmp_path: Path, files: dict[str, bytes], fault: str) -> None:
    if files:
        place(tmp_path, {**Authority.make().issue("user"), **files})
    with pytest.raises(BadSettings, match=fault):
        certificates.Certificates(tmp_path)
