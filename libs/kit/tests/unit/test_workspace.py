from pathlib import Path

from kit.workspace import open_workspace


def test_folders_of_killed_processes_are_removed_and_those_in_use_are_not(tmp_path: Path) -> None:
    with open_workspace(tmp_path) as living, living.folder() as kept:
        dead = tmp_path / "worker-dead"
        dead.mkdir()
        (dead / "in-use").touch()
        (dead / "job-1").mkdir()
        with open_workspace(tmp_path):
            assert not dead.exists()
            assert kept.exists()
    assert list(tmp_path.iterdir()) == []
