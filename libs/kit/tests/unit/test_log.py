import json
import logging
from typing import Any

import pytest
from kit import log


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_says_what_where_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("post", "INFO")
    log.get("post_service.rpc").info("published", post_id=7)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "published",
        "level": "info",
        "module": "post_service.rpc",
        "post_id": 7,
        "service": "post",
    }


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("post", "WARNING")
    log.get("quiet").info("no")
    log.get("quiet").warning("yes")
    assert [line["event"] for line in lines(capsys)] == ["yes"]


def test_libraries_speak_in_the_same_shape_and_only_when_it_matters(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("post", "DEBUG")
    logging.getLogger("aiokafka").info("chatter")
    logging.getLogger("aiokafka").warning("lost %s", "broker", extra={"node": 3})
    (line,) = lines(capsys)
    assert (line["event"], line["module"], line["node"], line["level"]) == ("lost broker", "aiokafka", 3, "warning")


def test_a_stack_is_part_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("post", "INFO")
    try:
        raise ValueError("why")
    except ValueError:
        log.get("x").exception("failed")
    (line,) = lines(capsys)
    assert "ValueError: why" in line["exception"]


def test_what_json_does_not_know_is_spelled(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("post", "INFO")
    log.get("x").info("kept", at={1})
    assert lines(capsys)[0]["at"] == "{1}"
