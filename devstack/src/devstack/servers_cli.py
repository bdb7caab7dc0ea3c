"""`python -m devstack servers up | down | run`: the backing servers alone, for development and tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devstack import artifacts, stack
from devstack import ports as port_choice
from devstack.site import starting

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The backing servers alone.")

FOUND_BY = "HELIOGRAPH_TEST_SERVERS"
Root = Annotated[Path, typer.Option(help="The run folder.")]


@app.command()
def up(
    root: Root,
    ports: Annotated[str, typer.Option(help="fixed (the defaults) or free; remembered once chosen.")] = "fixed",
    port: Annotated[list[str] | None, typer.Option(help="Move a port, as postgres=5433; remembered.")] = None,
) -> None:
    """Start them in the background; their addresses are then in ROOT/servers.json."""
    free = port_choice.wants_free(ports)
    with starting(root.absolute()):
        site = stack.make_site(root.absolute(), port_choice.asked_for(port or []), whole=False, free=free)
        stack.up_servers(site, Console())
    sys.stdout.write(f"{site.root}/servers.json\n")


@app.command()
def down(root: Root) -> None:
    """Stop them and keep their data."""
    sys.stdout.write("stopped\n" if stack.down(root.absolute()) else f"nothing runs in {root}\n")


@app.command()
def run(command: Annotated[list[str], typer.Argument(help="After --, the command to run.")]) -> None:
    """Run a command with servers of its own, named by HELIOGRAPH_TEST_SERVERS; ends with the command's status.

    Where that variable already names servers, the command runs with those.
    """
    if os.environ.get(FOUND_BY):
        raise typer.Exit(_run(command, os.environ[FOUND_BY]))
    folder = Path(tempfile.mkdtemp(prefix="heliograph-servers."))
    folder.chmod(0o755)  # the servers' user passes through
    try:
        site = stack.make_site(folder, {}, whole=False, free=True)
        stack.up_servers(site, Console(stderr=True), child=True)
        status = _run(command, f"{folder}/servers.json")
    finally:
        stack.down(folder)
        shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(status)


@app.command("sums")
def write_sums() -> None:
    """Write down the sums of what Maven brings now, after a version was changed."""
    artifacts.write_sums()


def _run(command: list[str], servers: str) -> int:
    """An interrupt reaches the command by the terminal; its answer to it is waited for."""
    with subprocess.Popen(command, env={**os.environ, FOUND_BY: servers}) as process:
        while True:
            try:
                return _status(process.wait())
            except KeyboardInterrupt:
                continue


def _status(code: int) -> int:
    return code if code >= 0 else 128 - code
