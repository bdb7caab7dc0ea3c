import os
import signal
import subprocess
import sys
from pathlib import Path

CODE = "from kit import faults; faults.point('here'); print('went on')"


def run(fault: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HELIOGRAPH_FAULT": fault}
    return subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def test_a_named_point_kills_the_first_process_that_passes_it_and_no_later_one(tmp_path: Path) -> None:
    fault = f"here:{tmp_path / 'marker'}"
    assert run(fault).returncode == -signal.SIGKILL
    assert run(fault).stdout == "went on\n"


def test_other_points_are_passed(tmp_path: Path) -> None:
    assert run(f"elsewhere:{tmp_path / 'marker'}").stdout == "went on\n"
    assert run("").stdout == "went on\n"
