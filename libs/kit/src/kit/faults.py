"""Named places where a fault test makes the process die as a power cut would.

`HELIOGRAPH_FAULT=name:/path/to/marker` kills the process at the first pass of that point; the marker file, made just
before, lets the restarted process go on. Without the variable a point does nothing.
"""

import os
import signal
from pathlib import Path

VARIABLE = "HELIOGRAPH_FAULT"


def point(name: str) -> None:
    """Ends the process by SIGKILL when the variable names this point and its marker does not exist yet."""
    wanted, _, marker = os.environ.get(VARIABLE, "").partition(":")
    if wanted == name and _first_time(Path(marker)):
        os.kill(os.getpid(), signal.SIGKILL)


def _first_time(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
