"""What is being waited for: a live table on a terminal, a line for each step elsewhere."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


class Progress:
    """Steps by name, in the order they began."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Generator[None]:
        if not self._console.is_terminal:
            yield
            return
        with Live(get_renderable=self._table, console=self._console, refresh_per_second=8) as self._live:
            yield

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        self._began[name] = time.monotonic()
        yield
        self._took[name] = time.monotonic() - self._began[name]
        if self._live is None:
            self._console.print(f"  {name} ({self._took[name]:.1f} s)", highlight=False)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for name, began in self._began.items():
            done = name in self._took
            seconds = self._took.get(name, time.monotonic() - began)
            mark = Text("✓", style="green") if done else Spinner("dots")
            table.add_row(mark, name, Text(f"{seconds:.1f} s", style="dim"))
        return table
