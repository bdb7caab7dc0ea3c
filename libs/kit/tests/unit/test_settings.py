import subprocess
import sys
from pathlib import Path

import pytest
from kit.settings import BadSettings, CassandraSettings, PostgresSettings, ProcessSettings, S3Settings, read


class Both(ProcessSettings, PostgresSettings):
    pass


@pytest.fixture
def dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_POSTGRES_DSN", "postgres://u:hidden@h/d")


@pytest.mark.usefixtures("dsn")
def test_variables_are_read_and_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_POSTGRES_REPLICA_DSNS", "postgres://a, postgres://b")
    monkeypatch.setenv("HELIOGRAPH_TRACE_SAMPLE_RATIO", "0.5")
    got = read(Both)
    assert [dsn.get_secret_value() for dsn in got.postgres_replica_dsns] == ["postgres://a", "postgres://b"]
    assert got.trace_sample_ratio == 0.5


@pytest.mark.usefixtures("dsn")
def test_a_secret_does_not_show() -> None:
    assert "hidden" not in repr(read(Both))


@pytest.mark.usefixtures("dsn")
def test_settings_do_not_change() -> None:
    settings = read(Both)
    with pytest.raises(ValueError, match="frozen"):
        settings.log_level = "DEBUG"  # pyright: ignore[reportAttributeAccessIssue] what the test is about


def test_a_secret_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "heliograph_postgres_dsn").write_text("postgres://from-a-file\n")
    monkeypatch.setenv("HELIOGRAPH_SECRETS_DIR", str(tmp_path))
    assert read(Both).postgres_dsn.get_secret_value() == "postgres://from-a-file"


def test_a_missing_folder_of_secrets_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HELIOGRAPH_SECRETS_DIR", str(tmp_path / "none"))
    with pytest.raises(BadSettings, match="HELIOGRAPH_SECRETS_DIR"):
        read(ProcessSettings)


@pytest.mark.parametrize("points", ["", "nohost", "a:1,b"])
def test_contact_points_are_hosts_with_ports(points: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_CASSANDRA_CONTACT_POINTS", points)
    monkeypatch.setenv("HELIOGRAPH_CASSANDRA_KEYSPACE", "feed")
    with pytest.raises(BadSettings, match="CASSANDRA_CONTACT_POINTS"):
        read(CassandraSettings)


def test_no_secret_has_a_default() -> None:
    with pytest.raises(BadSettings) as caught:
        read(S3Settings)
    assert {"HELIOGRAPH_S3_ACCESS_KEY is missing", "HELIOGRAPH_S3_SECRET_KEY is missing"} <= set(caught.value.faults)


def test_bad_settings_end_the_process_with_78_and_a_line_a_fault() -> None:
    program = "from kit.settings import *\nclass S(ProcessSettings, PostgresSettings): pass\nload(S)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"HELIOGRAPH_LISTEN": "s3cret", "HELIOGRAPH_LOG_LEVEL": "LOUD"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert done.returncode == 78
    assert len(lines) == 3
    for name, line in zip(["POSTGRES_DSN", "LISTEN", "LOG_LEVEL"], sorted(lines, key=len), strict=True):
        assert f"HELIOGRAPH_{name}" in line
    assert "s3cret" not in done.stderr
