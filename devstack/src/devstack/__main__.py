"""`python -m devstack up | down | reset | status | logs | restart | run | servers ...`: Heliograph on this machine."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devstack import edge, logs, ports, stack
from devstack.erasure import check
from devstack.erasure import stores as erasure_stores
from devstack.faults import StackError
from devstack.processes import EDGE, MAIL
from devstack.provision import app as provision_app
from devstack.servers_cli import app as servers_app
from devstack.site import default_root, log_of, starting

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Runs Heliograph on this machine."
)
app.add_typer(servers_app, name="servers")
app.add_typer(provision_app, name="provision")

Root = Annotated[Path | None, typer.Option(help="The run folder; one per stack. Also HELIOGRAPH_ROOT.")]
Ports = Annotated[list[str] | None, typer.Option("--port", help="Move a port, as gateway=9090; remembered.")]
PortsKind = Annotated[
    str,
    typer.Option("--ports", envvar="HELIOGRAPH_PORTS", help="fixed (the defaults) or free; remembered."),
]

Mtls = Annotated[bool, typer.Option("--mtls", envvar="HELIOGRAPH_MTLS", help="Services prove who they are.")]


@app.command()
def up(root: Root = None, port: Ports = None, ports_: PortsKind = "fixed", mtls: Mtls = False) -> None:
    """Start everything and print where it is."""
    began = time.monotonic()
    console = Console()
    free, folder = ports.wants_free(ports_), root or default_root()
    with starting(folder):
        site = stack.make_site(folder, ports.asked_for(port or []), whole=True, free=free)
        try:
            stack.up(site, console, mtls=mtls)
        except KeyboardInterrupt as interrupt:
            told = "interrupted; what has started goes on running: `make up` resumes, `make down` stops it"
            raise StackError(told) from interrupt
    table = stack.rows(site.root)
    told = stack.setting(site)
    console.print()
    for label, url in (("API", told.url("gateway")), ("docs", told.url("gateway") + "/docs"), ("mail", told.url(MAIL))):
        console.print(f"{label:>7}  {url}", highlight=False)
    shown = told.url(EDGE) if edge.program() else "none, as nginx is not installed; the gateways serve media"
    console.print(f"{'edge':>7}  {shown}", highlight=False)
    total = sum(row.memory for row in table) / 1024**3
    console.print(f"{len(table)} processes, {total:.2f} GiB, ready after {time.monotonic() - began:.0f} s")


@app.command()
def down(root: Root = None) -> None:
    """Stop everything and keep its data."""
    folder = root or default_root()
    sys.stdout.write(f"stopped; data stays in {folder}\n" if stack.down(folder) else f"nothing runs in {folder}\n")


@app.command()
def reset(root: Root = None) -> None:
    """Stop everything and drop its data."""
    folder = root or default_root()
    stack.reset(folder)
    sys.stdout.write(f"dropped {folder}\n")


@app.command()
def status(root: Root = None) -> None:
    """Show every process."""
    rows = stack.rows(root or default_root())
    table = Table(box=None, pad_edge=False)
    for column in ("name", "state", "pid", "up", "MiB", "port", "restarts"):
        table.add_column(column, justify="left" if column in ("name", "state") else "right")
    for row in rows:
        uptime = f"{time.time() - row.since:.0f} s" if row.pid else "-"
        numbers = (row.pid or "-", uptime, row.memory // 1024**2, row.port or "-", row.restarts)
        table.add_row(row.name, row.state, *map(str, numbers))
    Console().print(table)
    sys.stdout.write(f"all together {sum(row.memory for row in rows) / 1024**3:.2f} GiB\n")
    if any(row.state not in ("running", "starting") for row in rows):
        raise typer.Exit(1)


@app.command(name="logs")
def logs_(
    name: Annotated[str | None, typer.Argument(help="A process; all when left out.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0)] = 100,
    root: Root = None,
) -> None:
    """Show the logs of one process, or of all."""
    folder = root or default_root()
    names = [name] if name else sorted(path.stem for path in (folder / "logs").glob("*.log"))
    paths = {name: log_of(folder, name) for name in names}
    if absent := [name for name, path in paths.items() if not path.exists()]:
        raise StackError(f"there is no log of {absent[0]} in {folder / 'logs'}")
    logs.show(paths, lines if name else min(lines, 10), lambda line: print(line, flush=True), follow=follow)


@app.command()
def restart(name: str, root: Root = None) -> None:
    """Restart one process and wait until it is ready."""
    folder = root or default_root()
    stack.running(folder)
    stack.restart(stack.make_site(folder, {}, whole=True), name)
    sys.stdout.write(f"{name} is ready\n")


@app.command()
def run(command: Annotated[list[str], typer.Argument(help="After --, the command to run.")], root: Root = None) -> None:
    """Run a client of the running stack: HELIOGRAPH_URL and the other addresses are in its environment."""
    environment = {**os.environ, **stack.addresses(root or default_root())}
    os.execvpe(command[0], command, environment)  # noqa: S606 the command is the caller's own


@app.command(name="erasure-check")
def erasure_check(
    user: Annotated[str, typer.Argument(help="The id of the account, or its username while it has one.")],
    also: Annotated[list[str] | None, typer.Option(help="A name or address of before, to look for too.")] = None,
    root: Root = None,
) -> None:
    """Look into every store for what is left of an account: of the running stack, or where HELIOGRAPH_* point to."""
    if erasure_stores.named():
        stores = erasure_stores.of_environment()
    else:
        folder = root or default_root()
        stack.running(folder)
        stores = erasure_stores.of_setting(stack.setting(stack.make_site(folder, {}, whole=True)))
    marks = check.marks_of(stores, user, also or ())
    if not check.tell(Console(width=200), marks, check.look(stores, marks)):
        raise typer.Exit(1)


def main(run: Callable[[], None] = app) -> None:
    """The outermost boundary: one line for what went wrong."""
    try:
        run()
    except StackError as error:
        sys.exit(f"heliograph: {error}")
    except (OSError, KeyboardInterrupt) as error:
        sys.exit(f"heliograph: {str(error) or 'interrupted'}")
    except Exception as error:  # noqa: BLE001 the outermost boundary
        sys.exit(f"heliograph: {unforeseen(error)}")


def unforeseen(error: Exception) -> StackError:
    """What nobody thought of in one line, its traceback in a file of its own."""
    with NamedTemporaryFile("w", prefix="heliograph.", suffix=".log", delete=False) as log:
        traceback.print_exception(error, file=log)
    first = (str(error).splitlines() or [""])[0][:300]
    return StackError(f"{type(error).__name__}: {first}", Path(log.name))


if __name__ == "__main__":
    main()
