"""What an internal call costs both of its ends, 32 at once: `make bench-rpc`.

The same method (64 bytes asked, 1 KiB answered), each way with a server and a client in processes of their own:

- `plain`: unary grpc.aio as it comes, without the kit: no deadline, metrics, log, trace context or errors of our own
- `alone`: the same call by kit.client to kit.server, with all of these
- `batched`: by kit.many on the same channel and server, with all of these
- `secured`: as `batched`, both with certificates, the caller looked up in a list

`rpc_cpu_vs_unary` is calls for a CPU-second of both ends, batched over plain.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue
from kit import client, server, telemetry
from kit.many import Batcher
from kit.server import Context
from kit.settings import ProcessSettings

from bench.measure import Result, cpu_seconds, report, result
from devstack import authority

RUNS = 9
SECONDS = 2.0
AT_ONCE = 32
ASKED, ANSWERED = bytes(64), bytes(1024)
WAYS = ("batched", "plain", "alone", "secured")
NAME = "bench.Rpc"

Call = Callable[[BytesValue], Awaitable[BytesValue]]


@dataclass(frozen=True)
class Pair:
    """Both processes of one way to call."""

    serving: "subprocess.Popen[str]"
    asking: "subprocess.Popen[str]"

    def run(self, seconds: float) -> tuple[float, float]:
        """Microseconds of CPU of both for a call, and calls a second."""
        pids = (self.serving.pid, self.asking.pid)
        before = cpu_seconds(pids)
        _pipe(self.asking.stdin).write(f"{seconds}\n")
        _pipe(self.asking.stdin).flush()
        calls, took = json.loads(_pipe(self.asking.stdout).readline())
        return (cpu_seconds(pids) - before) / calls * 1e6, calls / took


def main() -> None:
    with ExitStack() as stack:
        pairs = {way: stack.enter_context(pair(way)) for way in WAYS}
        for each in pairs.values():
            each.run(SECONDS)  # warm-up
        runs = [{way: each.run(SECONDS) for way, each in pairs.items()} for _ in range(RUNS)]
    report("rpc", results(runs))


def results(runs: Sequence[dict[str, tuple[float, float]]]) -> list[Result]:
    cost = {way: [run[way][0] for run in runs] for way in WAYS}
    rate = {way: [1e6 / micros for micros in cost[way]] for way in WAYS}
    return [
        result(
            "rpc_cpu_vs_unary",
            "calls/CPU-s",
            rate["batched"],
            reference="unary grpc.aio without the kit",
            of=rate["plain"],
        ),
        result(
            "rpc_cpu_vs_kit_unary", "calls/CPU-s", rate["batched"], reference="unary by kit.client", of=rate["alone"]
        ),
        *(result(f"rpc_cpu_us_{way}", "us", cost[way]) for way in WAYS),
        *(result(f"rpc_rps_{way}", "1/s", [run[way][1] for run in runs]) for way in WAYS),
    ]


@contextmanager
def pair(way: str) -> Generator[Pair]:
    with TemporaryDirectory() as folder:
        if way == "secured":
            authority.furnish(Path(folder))
        with process("serve", way, folder) as serving:
            port = _pipe(serving.stdout).readline().strip()
            with process("ask", way, folder, port) as asking:
                yield Pair(serving, asking)


@contextmanager
def process(*arguments: str) -> Generator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "bench.rpc", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:  # noqa: S603 our own arguments
        try:
            yield started
        finally:
            started.kill()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    return cast("IO[str]", pipe)


async def answer(_request: BytesValue, _: Context) -> BytesValue:
    return BytesValue(value=ANSWERED)


def register(target: grpc.aio.Server) -> None:
    handler = grpc.unary_unary_rpc_method_handler(answer, BytesValue.FromString, BytesValue.SerializeToString)
    target.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(NAME, {"Ask": handler})])


def stub(channel: grpc.aio.Channel) -> Call:
    return channel.unary_unary(
        f"/{NAME}/Ask", request_serializer=BytesValue.SerializeToString, response_deserializer=BytesValue.FromString
    )


async def serve(way: str, folder: Path, told: IO[str]) -> None:
    if way == "plain":
        plain = grpc.aio.server()
        register(plain)
        port = plain.add_insecure_port("127.0.0.1:0")
        await plain.start()
        told.write(f"{port}\n")
        await plain.wait_for_termination()
        return
    told_to = {"listen": "127.0.0.1:0"} | ({"tls_dir": folder / "feed"} if way == "secured" else {})
    settings, callers = ProcessSettings.model_validate(told_to), {NAME: {"gateway"}}
    async with server.running(settings, "bench", register=[register], names=[NAME], callers=callers) as running:
        told.write(f"{running.port}\n")
        await asyncio.Event().wait()


async def ask(way: str, folder: Path, told: IO[str], port: str) -> None:
    target = f"127.0.0.1:{port}"
    if way == "plain":
        async with grpc.aio.insecure_channel(target) as channel:
            await answer_runs(stub(channel), told)
            return
    tls = folder / "gateway" if way == "secured" else None
    async with client.channel(target, service="bench", tls=tls) as channel:
        ours = stub(channel if way == "alone" else Batcher(channel, service="bench").stubs)
        await answer_runs(traced(ours), told)


def traced(call: Call) -> Call:
    """Each call in a trace of its own, as those of the gateway are."""

    async def begun(request: BytesValue) -> BytesValue:
        telemetry.begin()
        return await call(request)

    return begun


async def answer_runs(call: Call, told: IO[str]) -> None:
    """For each number of seconds on stdin a run, and its calls and seconds on stdout."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        start = time.perf_counter()
        made = await asyncio.gather(*(asking(call, start + float(line)) for _ in range(AT_ONCE)))
        told.write(json.dumps([sum(made), time.perf_counter() - start]) + "\n")


async def asking(call: Call, end: float) -> int:
    made = 0
    while time.perf_counter() < end:
        await call(BytesValue(value=ASKED))
        made += 1
    return made


def child(what: str, way: str, folder: str, port: str = "") -> None:
    told, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 the log goes there to the end
    told.reconfigure(line_buffering=True)  # pyright: ignore[reportAttributeAccessIssue] it is a TextIOWrapper
    running: Coroutine[None, None, None] = (
        serve(way, Path(folder), told) if what == "serve" else ask(way, Path(folder), told, port)
    )
    uvloop.run(running)


if __name__ == "__main__":
    child(*sys.argv[1:]) if len(sys.argv) > 1 else main()
