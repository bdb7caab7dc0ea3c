from pathlib import Path

import pytest
from devstack.faults import StackError

from devstack import artifacts, sums


def test_files_are_those_that_were_written_down(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/server-1.0.jar").write_bytes(b"one")
    sums.write("server-1.0", sums.of(tmp_path / "lib"), tmp_path / "sums")
    known = sums.written("server-1.0", tmp_path / "sums")
    sums.verify("server-1.0", sums.of(tmp_path / "lib"), known)
    (tmp_path / "lib/server-1.0.jar").write_bytes(b"two")
    with pytest.raises(StackError, match="is not the file"):
        sums.verify("server-1.0", sums.of(tmp_path / "lib"), known)


def test_a_file_more_is_refused_and_so_is_none(tmp_path: Path) -> None:
    known = {"server-1.0.jar": "a" * 64}
    with pytest.raises(StackError, match=r"brought more\.jar"):
        sums.verify("server-1.0", known | {"more.jar": "b" * 64}, known)
    with pytest.raises(StackError, match="brought nothing"):
        sums.verify("server-1.0", {}, known)


def test_every_program_has_sums_of_its_artifacts() -> None:
    for program in artifacts.programs():
        known = sums.written(program.folder)
        for artifact in program.artifacts:
            assert any(name.startswith(f"{artifact.name}-{artifact.version}") for name in known), artifact
