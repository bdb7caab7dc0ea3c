"""Brings the programs up, has something happen, and shows what the dashboards would."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from deploy.observability.check import tool
from deploy.observability.local import configuration, panels, programs, traces
from deploy.observability.local.panels import Finding, Outcome, Prometheus
from deploy.observability.local.programs import Trouble
from devstack import ports, stack

PORTS = {"prometheus": 18200, "otlp": 4317}
_SETTLE_SECONDS = 90
_DEMOS = 2  # the second shows as a rise over what the first has made


@dataclass(frozen=True)
class Wish:
    """`root` is the stack's run folder. `collect` takes traces; `stay` goes on until Ctrl-C; without `demo` nothing is
    made to happen."""

    root: Path
    prometheus: int
    otlp: int
    collect: bool
    demo: bool
    stay: bool

    @property
    def traces(self) -> Path:
        return self.root / "observe" / "traces.jsonl"


def observe(wish: Wish, console: Console) -> bool:
    """True when every query that must find something does. Raises Trouble, or StackError when no stack runs."""
    url = stack.addresses(wish.root)["HELIOGRAPH_URL"]
    with ExitStack() as started:
        prometheus = _start(wish, console, started)
        with _step(console, "scrape every process"):
            _await_targets(prometheus)
        if wish.demo:
            for number in range(_DEMOS):
                with _step(console, f"play the demo ({number + 1} of {_DEMOS})"):
                    _demo(url)
                    time.sleep(2 * configuration.SCRAPE_SECONDS)  # the scrape is what is waited for
        with _step(console, "ask what the dashboards ask"):
            found = _settled(prometheus)
        well = _tell(console, prometheus, found, wish)
        if wish.stay:
            console.print(f"\nPrometheus: http://127.0.0.1:{wish.prometheus} (Ctrl-C stops it)", highlight=False)
            _wait()
    return well


def _start(wish: Wish, console: Console, started: ExitStack) -> Prometheus:
    folder = wish.root / "observe"
    folder.mkdir(exist_ok=True)
    ports.refuse_busy({"prometheus": wish.prometheus} | ({"otlp": wish.otlp} if wish.collect else {}))
    with _step(console, "get Prometheus and the collector (built once, which takes minutes)"):
        commands = {"collector": _collector(wish, folder)} if wish.collect else {}
        commands["prometheus"] = _prometheus(wish, folder)
        data = started.enter_context(TemporaryDirectory(prefix="data-", dir=folder))
        commands["prometheus"].append(f"--storage.tsdb.path={data}")
    url = f"http://127.0.0.1:{wish.prometheus}"
    with _step(console, "start them"):
        for name, command in commands.items():
            log = folder / f"{name}.log"
            process = started.enter_context(programs.running(command, log))
            if name == "prometheus":
                programs.wait_ready(process, f"{url}/-/ready", log)
    return Prometheus(url)


def _collector(wish: Wish, folder: Path) -> list[str]:
    config = folder / "collector.yml"
    config.write_text(configuration.collector(wish.otlp, wish.traces))
    return [str(tool("otel-collector")), "--config", str(config)]


def _prometheus(wish: Wish, folder: Path) -> list[str]:
    config = folder / "prometheus.yml"
    config.write_text(configuration.prometheus(ports.remembered(wish.root)))
    return [
        str(tool("prometheus")),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{wish.prometheus}",
        "--enable-feature=exemplar-storage",
    ]


def _await_targets(prometheus: Prometheus) -> None:
    away = _until(lambda: prometheus.targets()[1], _SETTLE_SECONDS)
    if away:
        raise Trouble(f"these processes do not answer at their operations port: {', '.join(away)} (`make status`)")


def _demo(url: str) -> None:
    done = subprocess.run([sys.executable, "-m", "demo", "--url", url], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"the demo fails: {done.stdout.strip().splitlines()[-1:]}")


def _settled(prometheus: Prometheus) -> list[Finding]:
    """Rules need some rounds, and events their time."""
    found: list[Finding] = []

    def bad() -> list[str]:
        found[:] = panels.findings(prometheus)
        return [each.panel for each in found if each.bad]

    _until(bad, _SETTLE_SECONDS)
    return found


def _until(left: Callable[[], list[str]], seconds: float) -> list[str]:
    """Asks until nothing is left, or the time is up; returns what is."""
    deadline = time.monotonic() + seconds
    while (names := left()) and time.monotonic() < deadline:
        time.sleep(1)
    return names


def _tell(console: Console, prometheus: Prometheus, found: list[Finding], wish: Wish) -> bool:
    colors = {Outcome.OK: "green", Outcome.QUIET: "yellow", Outcome.EMPTY: "red", Outcome.FAILED: "red"}
    for each in found:
        mark = f"[{colors[each.outcome]}]{each.outcome.value:6}[/]"
        console.print(f"{mark} {each.board:10} {each.panel:34} {each.told}", highlight=False, soft_wrap=True)
    broken = prometheus.broken_rules()
    for line in broken:
        console.print(f"[red]rule[/]   {line}", highlight=False, soft_wrap=True)
    for line in prometheus.firing():
        console.print(f"[yellow]alert[/]  {line}", highlight=False, soft_wrap=True)
    counts = Counter(each.outcome for each in found)
    told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome)
    console.print(f"\n{prometheus.targets()[0]} processes, {len(found)} queries: {told}", highlight=False)
    console.print(_traces(wish), highlight=False)
    return not broken and not any(each.bad for each in found)


def _traces(wish: Wish) -> str:
    if not wish.collect:
        return "no traces were asked for"
    count = len({span.trace for span in traces.read(wish.traces)})
    if not count:
        told = f"HELIOGRAPH_OTLP_ENDPOINT=http://127.0.0.1:{wish.otlp} make up"
        return f"no traces: processes send them when the stack is started by `{told}`"
    return f"{count} traces in {wish.traces}: `make trace` lists them, `make trace ID=...` shows one"


@contextmanager
def _step(console: Console, name: str) -> Generator[None]:
    began = time.monotonic()
    with console.status(name):
        yield
    console.print(f"  {name} ({time.monotonic() - began:.1f} s)", highlight=False)


def _wait() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
