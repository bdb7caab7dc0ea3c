import json
import logging

import pytest
from kit import log
from kit.redaction import redacted

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.abc_def-123"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f"bad token {JWT}.", "bad token <token>."),
        ("Authorization: Bearer abc.def~x", "Authorization: Bearer <token>"),
        ("hgr_0123456789abcdefABCDEF_- is used", "<token> is used"),
        ("postgres://heliograph:pa55@127.0.0.1:5432/user", "postgres://<credentials>@127.0.0.1:5432/user"),
        ("GET https://x.example/a/b?X-Amz-Signature=1f&y=2 failed", "GET https://x.example/a/b?<query> failed"),
        ("no letter for ada.b+c@mail.example.org!", "no letter for <address>!"),
        ("http://127.0.0.1:9000/bucket", "http://127.0.0.1:9000/bucket"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_taken_out(written: str, kept: str) -> None:
    assert redacted(written) == kept


def test_a_row_that_a_database_quotes_is_taken_out_of_a_stack(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("user", "INFO")
    try:
        raise ValueError('duplicate key\nDETAIL:  Key (name)=(some "body") already exists.\nand so on')
    except ValueError:
        log.get("x").exception("failed")
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert "some" not in line["exception"]
    assert line["exception"].endswith("DETAIL: <row>\nand so on")


def test_lines_of_libraries_are_no_exception(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("user", "INFO")
    logging.getLogger("httpx").warning("asked with %s", JWT)
    assert json.loads(capsys.readouterr().out)["event"] == "asked with <token>"
