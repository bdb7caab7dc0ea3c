"""The life of a process of the kit, from outside: probes, signals, exit status."""

import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from kit import client, errors

from .echo import say
from .starting import start


async def test_sigterm_drains_the_call_in_flight_stops_tasks_and_exits_0(tmp_path: Path) -> None:
    (tmp_path / "up").touch()
    async with start("serve", tmp_path) as started, client.channel(started.listen, service="echo") as channel:
        await started.ready(wanted=True)
        calling = asyncio.ensure_future(say(channel)(StringValue(value="1")))
        await started.says("asked")
        started.process.send_signal(signal.SIGTERM)
        await started.ready(wanted=False)
        with pytest.raises(errors.Unavailable):
            await say(channel)(StringValue(value="0"))
        assert (await calling).value == "1"
        await started.says("task stopped")
        await started.says("closed")
        assert await started.process.wait() == 0


async def test_readiness_follows_the_dependency_while_calls_are_answered(tmp_path: Path) -> None:
    async with start("serve", tmp_path) as started, client.channel(started.listen, service="echo") as channel:
        await started.ready(wanted=False)
        assert (await started.get("/readyz")).json() == {"ready": False, "failing": {"store": "ConnectionRefusedError"}}
        assert (await started.get("/healthz")).status_code == 200
        assert (await say(channel)(StringValue(value="0"))).value == "0"
        started.flag.touch()
        await started.ready(wanted=True)
        metrics = (await started.get("/metrics")).text
        assert 'heliograph_rpc_server_seconds_count{code="OK",method="/kit.test.Echo/Say"} 1.0' in metrics
        assert "heliograph_ready 1.0" in metrics


async def test_a_worker_has_probes_and_stops_at_a_signal(tmp_path: Path) -> None:
    (tmp_path / "up").touch()
    async with start("work", tmp_path, HELIOGRAPH_LISTEN="") as started:
        await started.ready(wanted=True)
        started.process.send_signal(signal.SIGINT)
        await started.says("task stopped")
        assert await started.process.wait() == 0


async def test_logs_are_json_lines(tmp_path: Path) -> None:
    (tmp_path / "up").touch()
    async with start("work", tmp_path) as started:
        await started.ready(wanted=True)
        started.process.terminate()
        out, _ = await started.process.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["service"] for line in lines} == {"echo-worker"}
    assert lines[-1]["event"] == "stopped"


async def test_without_an_address_to_listen_at_it_does_not_start(tmp_path: Path) -> None:
    async with start("serve", tmp_path, HELIOGRAPH_LISTEN="") as started:
        _, err = await started.process.communicate()
    assert (started.process.returncode, err) == (78, b"bad settings: HELIOGRAPH_LISTEN is missing\n")


@pytest.mark.parametrize("name", ["HELIOGRAPH_LISTEN", "HELIOGRAPH_OPS_LISTEN"])
async def test_an_address_that_is_taken_is_a_bad_setting(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with start("serve", tmp_path, **{name: address}) as started:
            _, err = await started.process.communicate()
    assert started.process.returncode == 78
    assert f"{name}: cannot listen on {address}" in err.decode()


async def test_a_process_that_dies_says_so_in_one_line_and_exits_1(tmp_path: Path) -> None:
    async with start("fail", tmp_path) as started:
        out, _ = await started.process.communicate()
    (line,) = out.splitlines()
    assert started.process.returncode == 1
    assert "no good" in json.loads(line)["exception"]


async def test_an_unknown_command_is_told_the_known_ones(tmp_path: Path) -> None:
    async with start("dance", tmp_path) as started:
        _, err = await started.process.communicate()
    assert (started.process.returncode, err) == (64, b"usage: echo {serve,work,fail}\n")
