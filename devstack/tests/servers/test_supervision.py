"""The supervisor with real processes: they come back, stay down when told, and never outlive it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from devstack.faults import StackError
from devstack.readiness import NotReady
from devstack.site import make_root
from devstack.supervision import Supervision
from devstack.unit import Unit

from devstack import bringup


@pytest.fixture
def supervision(tmp_path: Path) -> Iterator[Supervision]:
    make_root(tmp_path)
    found = Supervision(tmp_path)
    yield found
    if found.alive():
        found.end()


def sleeper(folder: Path, name: str = "sleeper", **environment: str) -> Unit:
    return Unit(name, ["setpriv", "--pdeathsig", "TERM", "--", "sleep", "600"], folder, environment)


def eventually(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not question():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def running(supervision: Supervision, name: str = "sleeper") -> int:
    """The pid once the command itself runs."""
    eventually(lambda: bool(pid := supervision.state(name).pid) and psutil.Process(pid).name() == "sleep")
    return supervision.state(name).pid


def test_nothing_runs_before_it_is_launched(supervision: Supervision, tmp_path: Path) -> None:
    supervision.start([sleeper(tmp_path)])
    assert supervision.state("sleeper").pid == 0


def test_a_killed_process_comes_back_and_the_restart_is_counted(supervision: Supervision, tmp_path: Path) -> None:
    supervision.start([sleeper(tmp_path)])
    supervision.launch("sleeper")
    first = running(supervision)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervision.state("sleeper").pid not in (0, first))
    assert supervision.states()["sleeper"].starts == 2


def test_a_stopped_process_stays_down_even_when_it_was_killed_just_before(
    supervision: Supervision, tmp_path: Path
) -> None:
    supervision.start([sleeper(tmp_path)])
    supervision.launch("sleeper")
    os.kill(running(supervision), signal.SIGKILL)
    supervision.stop("sleeper")
    time.sleep(2)  # longer than the pause before a restart
    assert supervision.state("sleeper").pid == 0


def test_no_process_outlives_a_killed_supervisor(supervision: Supervision, tmp_path: Path) -> None:
    supervision.start([sleeper(tmp_path)])
    supervision.launch("sleeper")
    child = psutil.Process(running(supervision))
    os.kill(child.ppid(), signal.SIGKILL)
    child.wait(timeout=10)
    assert not supervision.alive()


def test_it_starts_again_where_a_killed_one_left_its_socket(supervision: Supervision, tmp_path: Path) -> None:
    supervision.start([sleeper(tmp_path)])
    supervision.launch("sleeper")
    supervisor = psutil.Process(psutil.Process(running(supervision)).ppid())
    supervisor.kill()
    eventually(lambda: not supervision.alive())
    supervision.start([sleeper(tmp_path)])
    supervision.launch("sleeper")
    assert running(supervision)


def test_only_units_that_changed_are_restarted(supervision: Supervision, tmp_path: Path) -> None:
    supervision.start([sleeper(tmp_path, "same"), sleeper(tmp_path, "changed"), sleeper(tmp_path, "gone")])
    for name in ("same", "changed", "gone"):
        supervision.launch(name)
    same, changed = running(supervision, "same"), running(supervision, "changed")
    supervision.start([sleeper(tmp_path, "same"), sleeper(tmp_path, "changed", LEVEL="2"), sleeper(tmp_path, "new")])
    assert running(supervision, "same") == same
    assert running(supervision, "changed") != changed
    assert psutil.Process(running(supervision, "changed")).environ()["LEVEL"] == "2"
    assert set(supervision.states()) == {"same", "changed", "new"}


def test_what_dies_at_its_start_is_told_with_its_last_useful_line(supervision: Supervision, tmp_path: Path) -> None:
    code = "import sys; print('hello'); sys.exit('cannot open /etc/thing')"
    supervision.start([Unit("thing", [sys.executable, "-c", code], tmp_path)])

    async def check() -> None:
        raise NotReady("nothing listens")

    with pytest.raises(StackError) as told:
        asyncio.run(bringup.start(supervision, "thing", check))
    assert str(told.value) == f"thing dies when started: cannot open /etc/thing (log: {tmp_path}/logs/thing.log)"


def test_an_unknown_name_is_answered_with_the_names_there_are(supervision: Supervision, tmp_path: Path) -> None:
    supervision.start([sleeper(tmp_path, "feed"), sleeper(tmp_path, "user")])
    with pytest.raises(StackError, match="nothing is called fed; there are feed, user"):
        supervision.state("fed")


def test_a_command_that_fails_is_told_with_its_log(supervision: Supervision, tmp_path: Path) -> None:
    code = "import sys; sys.exit('bad settings: HELIOGRAPH_POSTGRES_DSN is missing')"
    run = partial(bringup.command, "user-migrate", [sys.executable, "-c", code], {}, supervision)
    with pytest.raises(StackError, match=r"user-migrate fails: bad settings: .*DSN is missing \(log: .*user-migrate"):
        asyncio.run(run())
