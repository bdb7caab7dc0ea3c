"""A whole system whose services prove who they are: it does its job, and answers nobody else."""

import asyncio
import re
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from demo.story import Story
from devstack.authority import CALLERS, Authority, place
from devstack.processes import SERVICES
from devstack.testing import Stack
from grpc_health.v1 import health_pb2, health_pb2_grpc
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit import client, errors
from kit.certificates import FILES
from kit.testing import eventually
from support.rest import join
from support.system import UNLIMITED

BATCHED = re.compile(r"^heliograph_rpc_server_batch_calls_count (\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def certified() -> Iterator[Stack]:
    with Stack(environment=UNLIMITED, mtls=True) as stack:
        yield stack


async def test_a_photograph_reaches_a_follower_and_the_hot_feed_comes_in_batches(certified: Stack) -> None:
    story = Story(certified.url)
    try:
        for step in story.steps():
            await asyncio.to_thread(step.act)
    finally:
        story.close()
    assert story.metrics.keys() == {"upload_to_ready_ms", "post_to_feed_ms"}
    found = BATCHED.search(await metrics(certified, "feed"))
    assert found
    assert float(found[1]) > 0


async def test_operators_have_a_certificate_too(certified: Stack) -> None:
    async with httpx.AsyncClient(base_url=certified.url, timeout=15) as http:
        person = await join(http, "ada")
    status, _, told = await helio(certified, "user", "suspend", person.username, "--reason", "a test")
    assert status == 0, told
    status, _, _ = await helio(certified, "rebuild", "feed", "--user", person.username)
    assert status == 0
    assert (await helio(certified, "user", "show", person.username, tls="search"))[0] == 1
    assert (await helio(certified, "user", "show", person.username, tls="nobody"))[0] == 78
    assert (await helio(certified, "user", "show", person.username, tls=None))[0] == 4


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_answers_a_stranger(certified: Stack, service: str) -> None:
    assert certified.tls
    target, trusted = certified.address(service), (certified.tls / service / "ca.crt").read_bytes()
    async with grpc.aio.insecure_channel(target) as plain:
        assert await code(plain) is grpc.StatusCode.UNAVAILABLE
    async with grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(trusted)) as nobody:
        assert await code(nobody) is grpc.StatusCode.UNAVAILABLE
    files = Authority.make().issue("gateway")
    foreign = grpc.ssl_channel_credentials(trusted, files["tls.key"], files["tls.crt"])
    async with grpc.aio.secure_channel(target, foreign) as channel:
        assert await code(channel) is grpc.StatusCode.UNAVAILABLE


async def test_a_service_has_no_say_where_it_has_nothing_to_ask(certified: Stack) -> None:
    assert certified.tls
    async with client.channel(certified.address("user"), service="user", tls=certified.tls / "feed") as channel:
        with pytest.raises(errors.Internal, match="CALLER_NOT_ALLOWED"):
            await UserServiceStub(channel).GetJwks(user_pb2.GetJwksRequest())
    async with client.channel(certified.address("user"), service="user", tls=certified.tls / "gateway") as channel:
        assert (await UserServiceStub(channel).GetJwks(user_pb2.GetJwksRequest())).jwks_json
    refused = 'heliograph_rpc_server_refused_callers_total{caller="feed"} 1.0'
    assert refused in await metrics(certified, "user")


async def test_a_new_authority_is_taken_without_a_restart_or_a_failed_request(certified: Stack) -> None:
    assert certified.tls
    async with httpx.AsyncClient(base_url=certified.url, timeout=15) as http:
        person, over = await join(http, "grace"), asyncio.Event()

        async def reading() -> int:
            done = 0
            while not over.is_set():
                await person.feed()
                (await http.get(f"/v1/users/{person.username}", headers=person.headers)).raise_for_status()
                done += 1
                await asyncio.sleep(0.5)  # or their limit is reached first
            return done

        readers = [asyncio.ensure_future(reading()) for _ in range(3)]
        pids = {name: certified.pid(name) for name in SERVICES}
        new, old = Authority.make(), (certified.tls / "user" / "ca.crt").read_bytes()
        kept = {name: {file: (certified.tls / name / file).read_bytes() for file in FILES} for name in CALLERS}
        try:
            for number, trusted in enumerate((old + new.pem, old + new.pem, new.pem)):
                for name in CALLERS:
                    place(certified.tls / name, {**(new.issue(name) if number else kept[name]), "ca.crt": trusted})
                await asyncio.sleep(5)  # what the runbook waits for, shorter: calls go on and both sides look meanwhile
        finally:
            over.set()
            done = await asyncio.gather(*readers)
        assert min(done) > 3
    await eventually(lambda: presents(certified, "user", new), timeout=10)
    assert {name: certified.pid(name) for name in SERVICES} == pids


async def metrics(stack: Stack, process: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(stack.ops_url(process) + "/metrics")).text


async def presents(stack: Stack, service: str, authority: Authority) -> bool:
    """Whether the service's own certificate is one of this authority."""
    assert stack.tls
    files = stack.tls / "gateway"
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.load_cert_chain(files / "tls.crt", files / "tls.key")
    context.set_alpn_protocols(["h2"])
    host, _, port = stack.address(service).partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    except ssl.SSLCertVerificationError:
        return False
    writer.close()
    return True


async def code(channel: grpc.aio.Channel) -> grpc.StatusCode:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
    return caught.value.code()


async def helio(stack: Stack, *arguments: str, tls: str | None = "helio") -> tuple[int | None, str, str]:
    """Exit status, output and errors, with the certificate of `tls`."""
    told = {f"HELIOGRAPH_{name.upper()}_TARGET": stack.address(name) for name in SERVICES}
    told |= {"HELIOGRAPH_TLS_DIR": str(stack.root / "tls" / tls)} if tls else {}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "helio",
        *arguments,
        env=told | {"HELIOGRAPH_OPERATOR": "grace"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
