"""Each image by itself, with the rights that it has in a cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
from devstack.processes import MAIL, TABLE
from packaging.requirements import Requirement

from deploy.images import assemble
from deploy.images.build import ROOT
from deploy.images.tests.containers.conftest import BoxOf

EXIT_BAD_SETTINGS = 78
PROBE = Path(__file__).parent / "probe.py"
HELP = {"helio": ("helio", "--help"), "devstack": ("devstack", "provision", "--help")}
WAITS = "import time; print('begun', flush=True); time.sleep(60)"


@pytest.fixture(scope="session")
def found(box_of: BoxOf, service: str) -> dict[str, Any]:
    ended = box_of(service).run("-", entrypoint="python", stdin=PROBE.read_text())
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_it_has_no_rights_and_writes_to_tmp_alone(found: dict[str, Any]) -> None:
    assert found["rights"] == {
        "user": 10001,
        "groups": [10001, 10001],
        "capabilities": 0,
        "no_new_privileges": True,
        "writable": [],
        "tmp": True,
    }
    assert found["setuid"] == []


def test_its_packages_are_those_of_its_lock(found: dict[str, Any], service: str) -> None:
    assert found["packages"] == locked(service, found["python"]) | dict(ours(service))
    assert not found["pip"]


def ours(service: str) -> list[tuple[str, str]]:
    """The members of the workspace in its image, and their versions."""
    member = assemble.member_of(ROOT, service)
    folders = [member, *(ROOT / assemble.MEMBERS[name][0] for name in assemble.closure(ROOT, member))]
    return [assemble.identity(folder) for folder in folders]


def locked(service: str, python: str) -> dict[str, str]:
    """Name to version, of what the lock wants on this platform."""
    lines = (ROOT / f"requirements/{service}.lock").read_text().splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if line and not line.startswith((" ", "#"))]
    here = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    kept = [line for line in wanted if line.marker is None or line.marker.evaluate(here)]
    return {line.name.lower().replace("_", "-"): str(line.specifier).removeprefix("==") for line in kept}


def test_its_packages_are_to_the_byte_what_their_makers_released(found: dict[str, Any]) -> None:
    assert found["altered"] == []
    assert found["strays"] == ["early_end.pth", "early_end.py"]


def test_every_module_of_it_loads_and_is_compiled(found: dict[str, Any]) -> None:
    assert found["unimportable"] == {}
    assert found["uncompiled"] == []


def test_it_holds_its_own_files_and_all_of_them(found: dict[str, Any], service: str) -> None:
    member = assemble.member_of(ROOT, service)
    wanted = files(member / "src", "member/src") | files(member / "migrations", "member/migrations")
    for name in assemble.closure(ROOT, member):
        folder, package, place = assemble.MEMBERS[name]
        wanted |= files(ROOT / folder / package, place)

    assert set(found["data"]) == wanted | set(assemble.MORE.get(service, ()))


def files(folder: Path, place: str) -> set[str]:
    """What git knows of a folder would do too, but for what is not committed yet."""
    there = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {f"{place}/{path}" for path in there if not left_out(path)}


def left_out(path: Path) -> bool:
    return any(Path(part).match(pattern) for part in path.parts for pattern in (*assemble.LEFT_OUT, ".*"))


def test_what_it_lacks_is_said_in_a_line_each(box_of: BoxOf, service: str) -> None:
    for arguments in [(process.module, *process.arguments) for process in TABLE if process.service == service]:
        ended = box_of(service).run(*arguments)

        assert ended.status == EXIT_BAD_SETTINGS, ended.err
        assert all(line.startswith("bad settings: HELIOGRAPH_") for line in ended.err.splitlines())


def test_it_helps(box_of: BoxOf, service: str) -> None:
    if service not in HELP:
        assert [process for process in TABLE if process.service == service and process.service != MAIL]
        return
    ended = box_of(service).run(*HELP[service])

    assert ended.status == 0, ended.err
    assert "Usage" in ended.out


def test_it_ends_when_told_however_early(box_of: BoxOf, service: str) -> None:
    """Before it has set itself up: a first process is not ended by a signal that it does not handle."""
    running = box_of(service).start("-c", WAITS, entrypoint="python")
    try:
        running.wait_for("begun")
        status, seconds = running.stop(30)
    finally:
        running.remove()

    assert status == 143
    assert seconds < 15


def test_its_label_tells_the_commit_that_it_is_of(box_of: BoxOf, service: str) -> None:
    box = box_of(service)
    config = box.engine.inspect(box.image)["Config"]
    told = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}

    assert told["title"] == f"heliograph-{service}"
    assert told["version"]
    assert len(told["revision"].removesuffix("-dirty")) == 40
    assert "Healthcheck" not in config
    assert config["User"] == "10001:10001"
