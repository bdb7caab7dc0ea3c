"""Start, stop and watch units, by Supervisor (supervisord.org): one daemon per stack, spoken to over a socket in the
run folder.

Units restart with a growing pause, their logs rotate. Every unit is started by `setpriv --pdeathsig`, so that none
outlives the daemon, even a killed one.
"""

import http.client
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy  # nosec B411 our own supervisor, on a socket that is ours

from supervisor.xmlrpc import SupervisorTransport  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from devstack.faults import StackError
from devstack.site import write_private
from devstack.unit import Unit

SHUTTING_DOWN = 6  # Supervisor's fault while it ends
RUNNING = {"STARTING", "RUNNING", "STOPPING"}
STOPPED = {"STOPPED", "FATAL"}


@dataclass(frozen=True)
class State:
    """`name` of Supervisor's process states: STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL."""

    name: str
    pid: int
    since: float
    starts: int


class Ending(StackError):
    """The daemon is alive, but on its way out."""


class Supervision:
    """The daemon of the stack in `root`.

    Methods other than `alive` and `start` need it alive, and raise Ending while it stops everything.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._socket = root / "supervisor.sock"
        self._config = root / "supervisor.conf"

    def alive(self) -> bool:
        try:
            self._ask("getPID")
        except Ending:
            return True
        except (OSError, http.client.HTTPException):
            return False
        return True

    def start(self, units: Iterable[Unit], *, child: bool = False) -> None:
        """Start the daemon with these units, none of them running; a `child` ends with the thread that calls this.

        A living daemon takes over what changed in the units, and restarts the changed ones that run.
        """
        write_private(self._config, render(self.root, units))
        if self.alive():
            self._reload()
            return
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config)]
        if child:
            command = ["setpriv", "--pdeathsig", "TERM", "--", *command, "--nodaemon"]
        self._spawn(command, child=child)

    def _spawn(self, command: list[str], *, child: bool) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        log = self.root / "logs" / "supervisor-start.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=child,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while not self.alive():
            if time.monotonic() > deadline or process.poll() not in (None, 0):
                raise StackError("the supervisor does not start", log)
            time.sleep(0.05)

    def _reload(self) -> None:
        changes = cast("list[list[list[str]]]", self._ask("reloadConfig"))
        added, changed, removed = changes[0]
        was_running = {name for name, state in self.states().items() if state.name in RUNNING}
        for name in (*changed, *removed):
            self.stop(name)
            self._ask("removeProcessGroup", name)
        for name in (*added, *changed):
            self._ask("addProcessGroup", name)
            if name in was_running:
                self.launch(name)

    def state(self, name: str) -> State:
        """Of one unit, without `starts`. Raises StackError when there is none of that name."""
        try:
            info = cast("dict[str, Any]", self._ask("getProcessInfo", name))
        except Fault as fault:
            raise StackError(f"nothing is called {name}; there are {', '.join(sorted(self.states()))}") from fault
        return State(info["statename"], info["pid"], float(info["start"]), 0)

    def states(self) -> dict[str, State]:
        starts = self._starts()
        answer = cast("list[dict[str, Any]]", self._ask("getAllProcessInfo"))
        return {
            info["name"]: State(info["statename"], info["pid"], float(info["start"]), starts.get(info["name"], 0))
            for info in answer
        }

    def _starts(self) -> dict[str, int]:
        """How often each unit was started, as the daemon logged it."""
        counts: dict[str, int] = {}
        path = self.root / "logs" / "supervisor.log"
        for line in path.read_text().splitlines() if path.exists() else ():
            _, found, rest = line.partition(" spawned: '")
            if found:
                name = rest.partition("'")[0]
                counts[name] = counts.get(name, 0) + 1
            elif " supervisord started with pid" in line:
                counts = {}
        return counts

    def launch(self, name: str) -> None:
        """Start a unit without waiting for it; a running one is left alone."""
        try:
            self._ask("startProcess", name, False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise StackError(f"cannot start {name}: {fault.faultString}") from fault

    def stop(self, *names: str) -> None:
        """Stop units at the same time, and return when they are gone."""
        left = set(names)
        while left := {name for name in left if self.state(name).name not in STOPPED}:
            for name in left:
                self._ask_to_stop(name)
            time.sleep(0.05)

    def _ask_to_stop(self, name: str) -> None:
        try:
            self._ask("stopProcess", name, False)
        except Fault as fault:
            # Dead just now and about to be started again: to be asked once more.
            if "NOT_RUNNING" not in fault.faultString:
                raise StackError(f"cannot stop {name}: {fault.faultString}") from fault

    def end(self) -> None:
        """Stop every unit that still runs, and the daemon."""
        with suppress(Ending):
            self._ask("shutdown")
        while self.alive():
            time.sleep(0.05)

    def _ask(self, method: str, *arguments: object) -> object:
        """Raises Fault, Ending, and OSError or HTTPException when nobody is there."""
        transport = SupervisorTransport("", "", f"unix://{self._socket}")  # pyright: ignore[reportUnknownVariableType]
        proxy = cast("Any", ServerProxy("http://127.0.0.1", transport=cast("Any", transport)))
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except Fault as fault:
            if fault.faultCode == SHUTTING_DOWN:
                raise Ending("the stack is being stopped just now") from fault
            raise
        finally:
            cast("Any", transport).close()


def render(root: Path, units: Iterable[Unit]) -> str:
    user = "user=root\n" if os.geteuid() == 0 else ""
    head = f"""\
[unix_http_server]
file={root}/supervisor.sock
chmod=0600

[supervisord]
logfile={root}/logs/supervisor.log
logfile_maxbytes=0
pidfile={root}/supervisor.pid
directory={root}
umask=022
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return head + "".join(_program(root, unit) for unit in units)


def _program(root: Path, unit: Unit) -> str:
    return f"""
[program:{unit.name}]
command={_escape(shlex.join(unit.command))}
directory={_escape(str(unit.folder))}
environment={_environment(unit.environment)}
autostart=false
autorestart=true
startsecs=5
startretries=1000000
stopsignal={unit.stop_signal}
stopwaitsecs={unit.stop_seconds}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={root}/logs/{unit.name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def _environment(variables: Mapping[str, str]) -> str:
    return ",".join(f"{name}={_quote(value)}" for name, value in sorted(variables.items()))


def _quote(value: str) -> str:
    """Supervisor's quoting knows no escapes, and strips quotes at the ends: take the kind that the value has not."""
    quote = "'" if '"' in value else '"'
    if quote in value or "\n" in value or value != value.strip("'\""):
        raise StackError(f"cannot pass this value to a process: {value!r}")
    return quote + _escape(value) + quote


def _escape(text: str) -> str:
    return text.replace("%", "%%")
