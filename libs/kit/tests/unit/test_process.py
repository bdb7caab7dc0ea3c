"""How a process ends when it cannot begin."""

import subprocess
import sys

PROGRAM = """
from kit.process import Command, main
from kit.settings import Settings

main("echo", {"migrate": Command(Settings, lambda settings: None)})
"""


def test_a_bad_setting_of_logs_is_a_line_also_for_a_command_that_has_no_such_setting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "migrate"],
        env={"HELIOGRAPH_LOG_LEVEL": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr == "bad settings: HELIOGRAPH_LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'\n"
