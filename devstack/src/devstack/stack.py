"""The whole system on this machine: up, down, reset, and what state it is in."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from rich.console import Console

from devstack import authority, backing, bringup, edge, machine, ports, readiness, system
from devstack.bringup import Step
from devstack.faults import StackError
from devstack.names import Names
from devstack.ports import SERVER_PORTS
from devstack.processes import EDGE, MAIL, TABLE, Setting, default_ports
from devstack.progress import Progress
from devstack.site import LOOPBACK, Site, make_root, write_private
from devstack.supervision import Ending, Supervision
from devstack.unit import Unit

SUPERVISOR = "the supervisor"


@dataclass(frozen=True)
class Row:
    """One line of `status`; `restarts` counts starts after the first; `memory` is in bytes, shared pages shared out."""

    name: str
    state: str
    pid: int
    since: float
    memory: int
    port: int | None
    restarts: int


def make_site(root: Path, asked: Mapping[str, int], *, whole: bool, free: bool = False, host: str = LOOPBACK) -> Site:
    """The stack in `root`, its ports chosen and remembered; `whole` has our processes and not only the servers, which
    listen on `host`.

    Raises StackError for a port newly asked for that is busy, and remembers nothing of it.
    """
    make_root(root)
    defaults = dict(SERVER_PORTS) | (default_ports() if whole else {})
    known = ports.remembered(root)
    ports.refuse_busy({name: port for name, port in asked.items() if known.get(name) != port})
    chosen = ports.choose(root, defaults, asked, free=free)
    return Site(root, chosen, machine.account(), machine.java_home(), host)


def setting(site: Site) -> Setting:
    names, servers = Names(), backing.settings(site)
    secrets = system.make_secrets(servers, names.databases, site.secret)
    tls = certificates_of(site.root)
    known = tls if tls.is_dir() else None
    return Setting(site.root, servers, names, site.ports, secrets, edge=edge.program() is not None, tls=known)


def certificates_of(root: Path) -> Path:
    """Where the stack's processes have their certificates, if they have any."""
    return root / "tls"


def up_servers(site: Site, console: Console, *, child: bool = False) -> None:
    """The backing servers alone; `child`: they end with this process."""
    supervision = Supervision(site.root)
    _refuse(site, supervision, {name: site.ports[name] for name in SERVER_PORTS})
    steps = _ground(site, supervision, partial(backing.units, site), child=child)
    steps += backing.start_steps(site, supervision, [SUPERVISOR])
    asyncio.run(bringup.run(steps, Progress(console)))
    backing.publish(site)


def up(site: Site, console: Console, *, mtls: bool = False) -> None:
    """Everything, with certificates for all when `mtls`. Raises StackError at the first thing that does not come up;
    what runs then goes on running."""
    supervision = Supervision(site.root)
    certify(certificates_of(site.root), running=supervision.alive(), mtls=mtls)
    told = setting(site)
    _refuse(site, supervision, site.ports if told.edge else {k: v for k, v in site.ports.items() if k != EDGE})
    if told.edge:
        edge.prepare(site)

    def units() -> list[Unit]:
        return [*backing.units(site), *system.units(told), *([edge.unit(site)] if told.edge else [])]

    servers = backing.start_steps(site, supervision, [SUPERVISOR])
    ours = system.steps(told, supervision, [step.name for step in servers])
    steps = [*_ground(site, supervision, units), *servers, *(_grounded(step) for step in ours)]
    if told.edge:
        check = partial(readiness.answers, told.url(EDGE) + "/healthz")
        steps.append(Step(EDGE, partial(bringup.start, supervision, EDGE, check), ["gateway", "gateway-upload"]))
    asyncio.run(bringup.run(steps, Progress(console)))
    backing.publish(site)
    _publish(told)


def certify(folder: Path, *, running: bool, mtls: bool) -> None:
    """New certificates for a new start. Raises StackError where half of the processes would have some."""
    if running:
        if folder.is_dir() is not mtls:
            raise StackError(f"the stack runs {'with' if not mtls else 'without'} mTLS: `make down` first")
        return
    shutil.rmtree(folder, ignore_errors=True)
    if mtls:
        authority.furnish(folder)


def _grounded(step: Step) -> Step:
    return Step(step.name, step.action, [*step.after, SUPERVISOR])


def _publish(told: Setting) -> None:
    """stack.env: the addresses that a client of this stack wants."""
    lines = {
        "HELIOGRAPH_URL": told.url("gateway"),
        "HELIOGRAPH_UPLOAD_URL": told.url("gateway-upload"),
        "HELIOGRAPH_EDGE_URL": told.url(EDGE) if told.edge else "",
        "HELIOGRAPH_MAIL_URL": told.url(MAIL),
    }
    write_private(told.root / "stack.env", "".join(f"{name}={value}\n" for name, value in lines.items()))


def _ground(
    site: Site, supervision: Supervision, units: Callable[[], list[Unit]], *, child: bool = False
) -> list[Step]:
    """Programs fetched, configurations written, the supervisor alive and told what there is."""

    async def supervise() -> None:
        supervision.start(units(), child=child)  # in this thread, since a child ends with the thread that started it

    return [
        Step("fetch the servers", backing.fetch),
        backing.prepare_step(site, supervision, ["fetch the servers"]),
        Step(SUPERVISOR, supervise, [backing.PREPARE]),
    ]


def _refuse(site: Site, supervision: Supervision, needed: Mapping[str, int]) -> None:
    """Raises StackError for what would make the start fail later and less plainly."""
    if shutil.which("setpriv") is None:
        raise StackError("setpriv is missing: install the package util-linux (this needs Linux)")
    backing.check_disk(site)
    if not supervision.alive():
        ports.refuse_busy(needed)


def down(root: Path) -> bool:
    """Stop everything, keep data. False when nothing ran."""
    supervision = Supervision(root)
    if not supervision.alive():
        return False
    with suppress(Ending):
        known = supervision.states()
        # The edge and the gateways first, so that requests end while what they call still answers.
        for group in ([EDGE, "gateway", "gateway-upload"], [process.name for process in TABLE]):
            supervision.stop(*(name for name in group if name in known))
    supervision.end()
    return True


def reset(root: Path) -> None:
    """Stop everything and drop data, secrets, logs and remembered ports."""
    down(root)
    if root.is_dir() and not (root / "servers").is_dir() and any(root.iterdir()):
        raise StackError(f"{root} does not look like a stack's folder: not deleted")
    if root.is_dir():
        shutil.rmtree(root)


def rows(root: Path) -> list[Row]:
    """Raises StackError when the stack is not running."""
    supervision = running(root)
    known = ports.remembered(root)
    return [
        Row(
            name,
            state.name.lower(),
            state.pid,
            state.since,
            memory(state.pid),
            known.get(name, known.get(f"{name}-ops")),
            max(state.starts - 1, 0),
        )
        for name, state in supervision.states().items()
    ]


def addresses(root: Path) -> dict[str, str]:
    """What stack.env says. Raises StackError when no stack runs there."""
    running(root)
    lines = (root / "stack.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def running(root: Path) -> Supervision:
    supervision = Supervision(root)
    if not supervision.alive():
        raise StackError(f"no stack runs in {root}: start it with `make up`")
    return supervision


def memory(pid: int) -> int:
    """Proportional set size of a process and all below it; 0 when it is gone."""
    if not pid:
        return 0
    try:
        parent = psutil.Process(pid)
        return sum(_pss(process) for process in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def restart(site: Site, name: str) -> None:
    """Stop and start one process, and wait until it is ready."""
    supervision = running(site.root)
    supervision.state(name)
    supervision.stop(name)
    asyncio.run(bringup.start(supervision, name, check_of(site, name)))


def check_of(site: Site, name: str) -> bringup.Ready:
    if name in readiness.SERVERS:
        return partial(readiness.SERVERS[name], backing.settings(site))
    if name == EDGE:
        return partial(readiness.answers, f"http://127.0.0.1:{site.ports[EDGE]}/healthz")
    return system.check(next(process for process in TABLE if process.name == name), site.ports)
