"""`python -m deploy.observability generate | check | observe | trace`."""

import sys
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from devstack.faults import StackError
from devstack.site import default_root
from rich.console import Console

from deploy.observability import check as checks
from deploy.observability import files
from deploy.observability.local import observe as observing
from deploy.observability.local import traces as taken
from deploy.observability.local.programs import Trouble

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Root = Annotated[Path | None, typer.Option(help="The run folder of the stack. Also HELIOGRAPH_ROOT.")]


@app.command()
def generate() -> None:
    """Write dashboards, rules of objectives, their tests, and the copies in the chart."""
    for path in files.write():
        print(path.relative_to(files.ROOT))


@app.command()
def check(
    promtool: Annotated[bool, typer.Option(help="Its checks too, for which it is built when it lacks.")] = True,
) -> None:
    """Drift, runbooks, tests, metrics, and promtool's checks."""
    failed = False
    began = time.monotonic()
    for name, found in checks.faults(promtool=promtool):
        if promtool or found:
            print(f"observability: {name} {'FAILED' if found else 'ok'}", flush=True)
        for line in found:
            print(f"  {line}")
        failed |= bool(found)
    told = f"{len(checks.alerts())} alerts, each with a runbook and tests"
    print(f"observability: {'failed' if failed else told} ({time.monotonic() - began:.0f} s)")
    raise typer.Exit(failed)


@app.command()
def observe(
    root: Root = None,
    prometheus: Annotated[int, typer.Option(envvar="HELIOGRAPH_PORT_PROMETHEUS")] = observing.PORTS["prometheus"],
    otlp: Annotated[int, typer.Option(envvar="HELIOGRAPH_PORT_OTLP")] = observing.PORTS["otlp"],
    traces: Annotated[bool, typer.Option("--traces/--no-traces", help="Take traces, too.")] = True,
    demo: Annotated[bool, typer.Option(help="Play the demo, so that there is something to see.")] = True,
    stay: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = True,
) -> None:
    """Watch the running stack, and show whether every dashboard finds its data."""
    wish = observing.Wish(root or default_root(), prometheus, otlp, traces, demo, stay)
    raise typer.Exit(not observing.observe(wish, Console()))


@app.command()
def trace(
    id_: Annotated[
        str, typer.Argument(metavar="[ID]", help="Of 32 digits, or its beginning; none lists the newest.")
    ] = "",
    root: Root = None,
) -> None:
    """Show traces that the collector of `make observe` has taken."""
    spans = list(taken.read((root or default_root()) / "observe" / "traces.jsonl"))
    if not id_:
        print("\n".join(taken.newest(spans, 20)) or "no traces")
        return
    found = [span for span in spans if span.trace.startswith(id_)]
    print("\n".join(taken.tree(found)) if found else f"no trace {id_}")
    raise typer.Exit(not found)


def main() -> None:
    """The outermost boundary: one line for what went wrong."""
    try:
        app()
    except (Trouble, StackError, OSError, httpx.HTTPError) as error:
        sys.exit(f"heliograph: {error}")
    except KeyboardInterrupt:
        sys.exit("heliograph: interrupted")


if __name__ == "__main__":
    main()
