"""The line that tells what went wrong."""

import json
from pathlib import Path

import pytest

from devstack import logs


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("started\nFATAL: out of disk\n\tat java.base/x\nbye\n", "FATAL: out of disk"),
        ("one\ntwo\n\n", "two"),
        ("", ""),
        ("bad settings: HELIOGRAPH_REDIS_URL is missing\n", "bad settings: HELIOGRAPH_REDIS_URL is missing"),
        ('{"event": "started", "level": "info"}\n{not json\n', "{not json"),
    ],
)
def test_the_last_line_that_names_a_fault_is_found(tmp_path: Path, text: str, told: str) -> None:
    log = tmp_path / "x.log"
    log.write_text(text)
    assert logs.last_useful_line(log) == told


def test_a_structured_line_is_told_plainly(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    trace = 'Traceback:\n  File "x"\nOSError: no route'
    log.write_text(json.dumps({"level": "error", "event": "task died", "exception": trace}) + "\n")
    assert logs.last_useful_line(log) == "error task died OSError: no route"


def test_what_an_earlier_run_logged_is_not_blamed(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("ERROR of yesterday\n")
    offset = logs.size(log)
    with log.open("a") as more:
        more.write("all is well\n")
    assert logs.last_useful_line(log, offset) == "all is well"


def test_a_log_that_was_rotated_meanwhile_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("ERROR after the rotation\n")
    assert logs.last_useful_line(log, offset=10_000) == "ERROR after the rotation"


def test_a_log_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert logs.last_useful_line(tmp_path / "none.log") == ""


def test_lines_carry_names_only_when_several_logs_are_shown(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.log").write_text("1\n2\n3\n")
    shown: list[str] = []
    logs.show({"a": tmp_path / "a.log"}, 2, shown.append, follow=False)
    assert shown == ["2", "3"]
    logs.show({"a": tmp_path / "a.log", "b": tmp_path / "b.log"}, 1, shown.append, follow=False)
    assert [line.strip() for line in shown[2:]] == ["a | 3", "b | 3"]
