"""What goes wrong reaches the terminal as one line."""

import re
from pathlib import Path

import pytest
from devstack.__main__ import main
from devstack.faults import StackError


def _raising(error: BaseException) -> str:
    def run() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        main(run)
    return str(ended.value)


def test_a_known_fault_names_its_log() -> None:
    assert _raising(StackError("kafka dies", Path("/logs/k.log"))) == "heliograph: kafka dies (log: /logs/k.log)"


def test_an_unforeseen_fault_is_one_line_and_its_traceback_is_in_a_log() -> None:
    told = _raising(TypeError("no such argument\nand more"))
    found = re.fullmatch(r"heliograph: TypeError: no such argument \(log: (.+)\)", told)
    assert found is not None
    log = Path(found.group(1))
    assert "Traceback" in log.read_text()
    log.unlink()


def test_an_interrupt_is_called_one() -> None:
    assert _raising(KeyboardInterrupt()) == "heliograph: interrupted"
