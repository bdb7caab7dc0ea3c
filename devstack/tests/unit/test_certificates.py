"""Certificates of a stack: who gets which, and when they are made."""

from pathlib import Path

import pytest
from devstack.authority import CALLERS, Authority, furnish, place
from devstack.faults import StackError
from devstack.names import Names
from devstack.processes import MAIL, TABLE, Setting, default_ports
from devstack.stack import certify
from kit.certificates import FILES, read

from devstack import processes


def told(tmp_path: Path, name: str, tls: Path | None) -> dict[str, str]:
    setting = Setting(tmp_path, {}, Names(), default_ports(), {}, tls=tls)
    return processes.environment(next(process for process in TABLE if process.name == name), setting)


def test_each_process_has_the_certificate_of_its_service_and_no_other(tmp_path: Path) -> None:
    for process in TABLE:
        found = told(tmp_path, process.name, tmp_path / "tls").get("HELIOGRAPH_TLS_DIR")
        assert found == (None if process.service == MAIL else str(tmp_path / "tls" / process.service))
        assert "HELIOGRAPH_TLS_DIR" not in told(tmp_path, process.name, None)


def test_what_speaks_grpc_has_a_probe_port() -> None:
    ports = default_ports()
    assert {process.name for process in TABLE if process.probe in ports} == set(processes.SERVICES)


def test_everybody_is_furnished_with_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    furnish(tmp_path)
    assert [read(tmp_path / name).name for name in CALLERS] == list(CALLERS)
    for name in CALLERS:
        assert (tmp_path / name / "tls.key").stat().st_mode & 0o077 == 0


def test_files_are_swapped_all_at_once_and_the_old_ones_go(tmp_path: Path) -> None:
    authority = Authority.make()
    for _ in range(3):
        files = authority.issue("user")
        place(tmp_path, files)
        assert {name: (tmp_path / name).read_bytes() for name in FILES} == files
    assert len([path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink()]) == 1


def test_a_stack_is_certified_when_it_starts_and_not_while_it_runs(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    certify(folder, running=False, mtls=True)
    first = read(folder / "user")
    certify(folder, running=True, mtls=True)
    assert read(folder / "user") == first
    with pytest.raises(StackError, match="make down"):
        certify(folder, running=True, mtls=False)
    certify(folder, running=False, mtls=False)
    assert not folder.exists()
    with pytest.raises(StackError, match="make down"):
        certify(folder, running=True, mtls=True)
