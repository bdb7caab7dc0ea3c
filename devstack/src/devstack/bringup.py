"""Steps that wait for one another and otherwise run at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from devstack import logs
from devstack.faults import StackError
from devstack.progress import Progress
from devstack.readiness import NotReady
from devstack.site import log_of
from devstack.supervision import Supervision

Ready = Callable[[], Awaitable[None]]  # raises NotReady

READY_SECONDS = 120
DEATHS_ALLOWED = 1


@dataclass(frozen=True)
class Step:
    """`after` names the steps that must be done before."""

    name: str
    action: Callable[[], Awaitable[None]]
    after: Sequence[str] = ()


async def run(steps: Sequence[Step], progress: Progress) -> None:
    """All steps, each as soon as may be. Raises the first fault, a StackError before others; the rest is cancelled."""
    done = {step.name: asyncio.Event() for step in steps}

    async def one(step: Step) -> None:
        for name in step.after:
            await done[name].wait()
        with progress.step(step.name):
            await step.action()
        done[step.name].set()

    try:
        with progress.shown():
            async with asyncio.TaskGroup() as group:
                for step in steps:
                    group.create_task(one(step))
    except BaseExceptionGroup as group_error:
        told, _ = group_error.split(StackError)
        raise _first(told or group_error) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error  # pyright: ignore[reportUnknownArgumentType]


async def start(supervision: Supervision, name: str, check: Ready) -> None:
    """Launch a unit unless it runs, and wait until it is ready. Raises StackError when it dies or takes too long."""
    offset = logs.size(log_of(supervision.root, name))
    await asyncio.to_thread(supervision.launch, name)
    await wait_ready(supervision, name, check, offset)


async def wait_ready(supervision: Supervision, name: str, check: Ready, offset: int = 0) -> None:
    log = log_of(supervision.root, name)
    deadline = time.monotonic() + READY_SECONDS
    pids: set[int] = set()
    while True:
        state = await asyncio.to_thread(supervision.state, name)
        pids |= {state.pid} - {0}
        if len(pids) > DEATHS_ALLOWED + 1 or state.name == "FATAL":
            raise StackError(f"{name} dies when started: {logs.last_useful_line(log, offset) or 'no output'}", log)
        try:
            await check()
            return
        except NotReady as reason:
            if time.monotonic() > deadline:
                told = logs.last_useful_line(log, offset) or str(reason)
                raise StackError(f"{name} is not ready after {READY_SECONDS} s: {told}", log) from reason
        await asyncio.sleep(0.4)


async def command(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], supervision: Supervision
) -> None:
    """Run a short command of a service, its output in a log. Raises StackError with its last useful line."""
    log = log_of(supervision.root, name)
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            *arguments, env=dict(environment), cwd=supervision.root, stdin=asyncio.subprocess.DEVNULL,
            stdout=out, stderr=out,
        )  # fmt: skip
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise
    if status:
        raise StackError(f"{name} fails: {logs.last_useful_line(log) or f'exit status {status}'}", log)
