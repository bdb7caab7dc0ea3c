"""A whole Heliograph for tests: every process of ours on free ports, with data of its own, on servers that run already.

    with Stack(servers_file) as stack:          # HELIOGRAPH_TEST_SERVERS by default
        httpx.get(f"{stack.url}/v1/...")
        stack.kill("fanout")                    # SIGKILL; it stays dead
        stack.start("fanout")                   # and waits until it is ready
        with stack.server_down("redis"):        # stopped, as by an outage; started again at the end of the block
            ...
        with stack.server_paused("kafka"):      # SIGSTOP: it accepts and never answers
            ...

Stopping a server needs servers that nobody else uses meanwhile, such as those of `devstack servers run`.
"""

import asyncio
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx
import psutil
from rich.console import Console

from devstack import authority, bringup, data, ports, processes, readiness, system
from devstack.erasure.stores import Stores, of_setting
from devstack.faults import StackError
from devstack.names import Names, fresh_names
from devstack.processes import MAIL, TABLE, Process, Setting
from devstack.progress import Progress
from devstack.servers_cli import FOUND_BY
from devstack.site import log_of, make_root, read_json
from devstack.supervision import Supervision

# Left to whole stacks; tests of single services take lower ones.
REDIS_DATABASES = range(400, 512)


class Stack:
    """`only` names the processes to run (default all); `environment` adds settings for some, by process name; `mtls`
    has them prove who they are, with certificates in root/tls.

    Attributes: `names` what its data is called, `root` its folder with logs, `url` and `upload_url` of the gateways,
    `tls` the folder of its certificates or None.
    """

    def __init__(
        self,
        servers_file: Path | None = None,
        *,
        only: Sequence[str] = (),
        environment: Mapping[str, Mapping[str, str]] | None = None,
        mtls: bool = False,
    ) -> None:
        file = servers_file or Path(os.environ[FOUND_BY])
        self._servers = cast("dict[str, str]", read_json(file))
        self._servers_root = file.parent
        self._servers_supervision = Supervision(self._servers_root)
        self._table = [process for process in TABLE if not only or process.name in only]
        self._extra = {name: dict(told) for name, told in (environment or {}).items()}
        self.root = Path(tempfile.mkdtemp(prefix="heliograph-stack."))
        self._supervision = Supervision(self.root)
        self.names: Names = fresh_names(random.choice(REDIS_DATABASES))  # noqa: S311 (no secret)
        self.tls = self.root / "tls" if mtls else None
        self._setting = self._choose()
        self.url = self._setting.url("gateway")
        self.upload_url = self._setting.url("gateway-upload")

    def _choose(self) -> Setting:
        make_root(self.root)
        known: dict[str, str] = {}

        def secret(name: str) -> str:
            return known.setdefault(name, system.throwaway_secret(name))

        chosen = ports.choose(self.root, processes.default_ports(), {}, free=True)
        secrets = system.make_secrets(self._servers, self.names.databases, secret)
        if self.tls:
            authority.furnish(self.tls)
        return Setting(self.root, self._servers, self.names, chosen, secrets, tls=self.tls)

    def __enter__(self) -> Self:
        try:
            self._supervise()
            asyncio.run(self._up())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    async def _up(self) -> None:
        await data.flush_redis(self._servers, self.names.redis_database)
        steps = system.steps(self._setting, self._supervision, [], self._table)
        await bringup.run(steps, Progress(Console(stderr=True)))

    def _supervise(self) -> None:
        units = [processes.unit(process, self._setting, self._extra.get(process.name)) for process in self._table]
        self._supervision.start(units, child=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes and drops their data; the folder with the logs stays when the block failed."""
        if self._supervision.alive():
            self._supervision.end()
        with suppress(StackError, OSError):
            asyncio.run(data.drop(self._servers, self.names))
        if kind is None:
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def stores(self) -> Stores:
        """Where its data is, for who looks into it past all services."""
        return of_setting(self._setting)

    def address(self, name: str) -> str:
        """host:port of a process's gRPC or HTTP."""
        return f"127.0.0.1:{self._setting.ports[name]}"

    def ops_url(self, name: str) -> str:
        """Base of its /healthz, /readyz and /metrics."""
        return f"http://127.0.0.1:{self._setting.ports[f'{name}-ops']}"

    def running(self) -> list[str]:
        """Names of the processes that run now."""
        return [process.name for process in self._table if self.pid(process.name)]

    def pid(self, name: str) -> int:
        """0 when it does not run."""
        return self._supervision.state(name).pid

    def log(self, name: str) -> str:
        path = log_of(self.root, name)
        return path.read_text(errors="replace") if path.exists() else ""

    def server_log(self, name: str) -> str:
        """Of a backing server, since the servers were started."""
        path = log_of(self._servers_root, name)
        return path.read_text(errors="replace") if path.exists() else ""

    def mails(self, recipient: str) -> list[dict[str, Any]]:
        """What has been sent to an address so far, newest first: {id, from, to, subject, received_at, text, html}."""
        answer = httpx.get(self._setting.url(MAIL) + "/mails", params={"to": recipient}, trust_env=False)
        return answer.raise_for_status().json()["items"]

    def kill(self, name: str) -> None:
        """SIGKILL, and it stays dead until `start`."""
        pid = self.pid(name)
        if pid:
            os.kill(pid, signal.SIGKILL)
        self._supervision.stop(name)

    def crash(self, name: str) -> None:
        """SIGKILL; the supervisor starts it again after about a second. Nothing when it is not running just then."""
        pid = self.pid(name)
        if pid:
            os.kill(pid, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """SIGTERM, and wait for its graceful end."""
        self._supervision.stop(name)

    def start(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a process, with `environment` as its extra settings from now on when given, and wait until ready."""
        if environment is not None:
            self._extra[name] = dict(environment)
            self._supervise()
        asyncio.run(bringup.start(self._supervision, name, self._check(name)))

    def wait_ready(self, name: str) -> None:
        asyncio.run(bringup.wait_ready(self._supervision, name, self._check(name)))

    def _check(self, name: str) -> bringup.Ready:
        return system.check(self._process(name), self._setting.ports)

    def _process(self, name: str) -> Process:
        return next(process for process in self._table if process.name == name)

    @contextmanager
    def server_down(self, name: str) -> Generator[None]:
        """Stop a backing server; at the end start it again and wait until it answers."""
        self._servers_supervision.stop(name)
        try:
            yield
        finally:
            check = partial(readiness.SERVERS[name], self._servers)
            asyncio.run(bringup.start(self._servers_supervision, name, check))

    @contextmanager
    def server_paused(self, name: str) -> Generator[None]:
        """SIGSTOP a backing server with all its processes; at the end let it go on."""
        parent = psutil.Process(self._servers_supervision.state(name).pid)
        family = [parent, *parent.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
