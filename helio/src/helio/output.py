"""What commands print: for people on the terminal, or JSON for programs. Answers go to stdout, all else to stderr."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

Row = Mapping[str, Any]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why: kept in the audit trail.", prompt="Reason")]


class Output:
    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._out, self._err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

    def one(self, row: Row) -> None:
        if self._as_json:
            self._print(row)
            return
        width = max(map(len, row))
        for name, value in row.items():
            self._out.print(f"{name:<{width}}  {_text(value)}", markup=False, highlight=False)

    def many(self, rows: Sequence[Row]) -> None:
        if self._as_json:
            self._print(rows)
            return
        if not rows:
            self._err.print("nothing")
            return
        lines = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
            self._out.print("  ".join(cells).rstrip(), markup=False, highlight=False)

    def warn(self, text: str) -> None:
        self._err.print(f"warning: {text}", markup=False, highlight=False)

    def progress(self, text: str) -> None:
        """One line that is written over, on a terminal; elsewhere only what `done` says."""
        if self._err.is_terminal:
            self._err.print(f"\r\x1b[K{text}", end="", markup=False, highlight=False)

    def done(self) -> None:
        if self._err.is_terminal:
            self._err.print("")

    def _print(self, content: object) -> None:
        typer.echo(json.dumps(content, ensure_ascii=False))


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return " ".join(f"{name}={told}" for name, told in value.items())  # pyright: ignore[reportUnknownVariableType]
        case _:
            return str(value)
