"""The run folder: its secrets, its limits, and what is no stack."""

from pathlib import Path

import pytest
from devstack.faults import StackError
from devstack.site import Site, make_root, starting
from devstack.supervision import Supervision

from devstack import stack


@pytest.fixture
def site(tmp_path: Path) -> Site:
    make_root(tmp_path)
    return Site(tmp_path, {}, None, Path("/java"))


def test_a_secret_is_random_stays_the_same_and_is_private(site: Site) -> None:
    assert site.secret("a") == site.secret("a") != site.secret("b")
    assert len(site.secret("a")) >= 32
    assert (site.root / "secrets/a").stat().st_mode & 0o777 == 0o600
    assert (site.root / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_folder_with_too_long_a_name_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="choose a shorter --root"):
        make_root(tmp_path / ("x" * 100))


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="cannot make the run folder"):
        make_root(tmp_path / "file" / "root")


def test_a_socket_that_a_dead_supervisor_left_behind_is_not_taken_for_a_stack(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "supervisor.sock"))
    assert not Supervision(tmp_path).alive()
    assert not stack.down(tmp_path)
    with pytest.raises(StackError, match="no stack runs in"):
        stack.rows(tmp_path)


def test_a_second_start_of_the_same_stack_is_refused_while_the_first_is_under_way(tmp_path: Path) -> None:
    with starting(tmp_path), pytest.raises(StackError, match="another start"), starting(tmp_path):
        pass
    with starting(tmp_path):
        pass


def test_reset_deletes_nothing_that_is_no_stack(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(StackError, match="does not look like a stack's folder"):
        stack.reset(tmp_path)
    assert (tmp_path / "precious").exists()


def test_reset_drops_a_stack_that_does_not_run(site: Site) -> None:
    (site.root / "ports.json").write_text("{}")
    stack.reset(site.root)
    assert not site.root.exists()


def test_reset_of_nothing_is_no_fault(tmp_path: Path) -> None:
    stack.reset(tmp_path / "none")
