"""The first script on a bare machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[2] / "bootstrap"


@pytest.mark.parametrize("command", ["down", "status", "logs", "reset"])
def test_a_clone_without_a_set_up_is_told_how_to_start_and_installs_nothing(tmp_path: Path, command: str) -> None:
    (tmp_path / "devstack").mkdir()
    script = shutil.copy(BOOTSTRAP, tmp_path / "devstack")
    done = subprocess.run([sys.executable, script, command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "heliograph: nothing is set up in this clone yet: start with `make up`\n"
    assert [path.name for path in tmp_path.iterdir()] == ["devstack"]


def test_who_may_not_install_a_browser_is_told_what_to_install(tmp_path: Path) -> None:
    script = (
        "from importlib.machinery import SourceFileLoader\n"
        f"SourceFileLoader('bootstrap', {str(BOOTSTRAP)!r}).load_module().browser()"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", script],
        capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "install them first: sudo apt-get install chromium" in done.stderr


def test_the_python_that_makes_the_environment_can_be_named(tmp_path: Path) -> None:
    named = tmp_path / "python"
    named.write_text('#!/bin/sh\necho "$HELIOGRAPH_PYTHON:$2"\n')
    named.chmod(0o755)
    done = _bootstrap({"HELIOGRAPH_PYTHON": str(named)})
    assert (done.returncode, done.stdout) == (0, ":setup\n")  # it goes on there, once


def test_a_python_that_is_named_wrongly_is_told(tmp_path: Path) -> None:
    done = _bootstrap({"HELIOGRAPH_PYTHON": str(tmp_path / "none")})
    assert (done.returncode, done.stderr) == (1, f"heliograph: HELIOGRAPH_PYTHON: {tmp_path / 'none'} is no program\n")


def _bootstrap(extra: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], **extra}
    return subprocess.run(
        [sys.executable, BOOTSTRAP, "setup"], capture_output=True, text=True, check=False, env=environment
    )
