"""What goes wrong with the stack, told in one line."""

from pathlib import Path


class StackError(Exception):
    """One plain line for the person at the terminal, with the log that holds the rest."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.log = log

    def __str__(self) -> str:
        return f"{self.message} (log: {self.log})" if self.log else self.message
