"""What a check found, and how that is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Report:
    """`faults` fail the step. `skipped` says why nothing could be checked: that is neither a fault nor a pass."""

    name: str
    faults: Sequence[str] = ()
    notes: Sequence[str] = field(default=())
    skipped: str = ""

    @property
    def outcome(self) -> str:
        if self.faults:
            return "FAILED"
        return "SKIPPED" if self.skipped else "ok"

    def lines(self) -> list[str]:
        more = [f"  {self.skipped}"] if self.skipped else []
        return [
            f"{self.outcome:<8}{self.name}",
            *more,
            *(f"  {note}" for note in self.notes),
            *(f"  - {it}" for it in self.faults),
        ]
