"""Each check with a fault planted, and without it."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from devstack.artifacts import Artifact, Program

from deploy.security import advisories, audit, code, images, leaks, locks, pins, sbom
from deploy.security.report import Report

SUM = "a" * 64
LOCKED = (
    f"left-pad==1.2.3 \\\n    --hash=sha256:{SUM}\nother==2.0 ; python_version < '3.12' \\\n    --hash=sha256:{SUM}\n"
)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "post.lock"
    path.write_text(LOCKED)
    return path


def test_a_lock_with_versions_and_sums_has_no_fault(lock: Path) -> None:
    assert locks.faults(lock) == []
    assert [(one.name, one.version, one.hashes) for one in locks.read(lock)] == [
        ("left-pad", "1.2.3", frozenset({SUM})),
        ("other", "2.0", frozenset({SUM})),
    ]


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("loose>=1 --hash=sha256:" + SUM, "not pinned"),
        ("bare==1.0", "without a SHA-256"),
        ("weak==1.0 --hash=sha256:abc", "without a SHA-256"),
        ("far @ https://example.org/far.whl --hash=sha256:" + SUM, "an address"),
        ("--extra-index-url elsewhere", "an address or an option"),
    ],
)
def test_a_lock_tells_what_is_not_pinned(lock: Path, planted: str, told: str) -> None:
    lock.write_text(LOCKED + planted + "\n")
    (fault,) = locks.faults(lock)
    assert told in fault


@pytest.mark.parametrize(
    ("image", "passes"),
    [
        (f"postgres:18@sha256:{SUM}", True),
        ("heliograph/post:0.1.0", True),
        ("heliograph-post", True),
        ("registry.example.com/photos/post:0.1.0", True),
        ("cassandra:5.0.9", True),
        ("postgres:18.4", False),
        ("cassandra:latest", False),
        ("heliographs.example/post:1.0.0", False),
        (f"postgres@sha256:{SUM[1:]}", False),
    ],
)
def test_an_image_has_a_digest_or_an_excuse(image: str, passes: bool) -> None:
    fault = images.fault(images.Use("compose.yaml", image), {"cassandra:5.0.9": "why", "cassandra:latest": "why"})
    assert (fault is None) is passes


def test_images_are_found_in_dockerfiles_and_values(tmp_path: Path) -> None:
    dockerfile, values = tmp_path / "Dockerfile", tmp_path / "values.yaml"
    dockerfile.write_text(
        "ARG BASE=one:1\nFROM ${BASE} AS made\nFROM made AS again\nCOPY --from=two:2 a b\nFROM scratch\n"
    )
    values.write_text("servers: [{image: three:3}]\nimage: {repository: four, tag: '4', digest: ''}\n")
    assert [use.image for use in images.of_dockerfile(dockerfile, "Dockerfile")] == ["one:1", "two:2"]
    assert {use.image for use in images.of_yaml(values, "values.yaml")} == {"four:4", "three:3"}


def test_an_excuse_needs_a_reason(tmp_path: Path) -> None:
    (tmp_path / "excused.txt").write_text("# all\none:1.0.0 there is none\ntwo:2.0.0\n")
    assert pins.excuses(tmp_path / "excused.txt") == {"one:1.0.0": "there is none"}


@pytest.mark.parametrize(
    ("row", "module", "told"),
    [
        ("tool v1.2.3 example.org/tool/cmd", "require example.org/tool v1.2.3", None),
        ("tool v1.2.3 example.org/tool/cmd", "require example.org/tool v1.2.4", "another version"),
        ("tool latest example.org/tool/cmd", "require example.org/tool latest", "no exact version"),
        ("tool v1.2.3 example.org/tool/cmd", None, "without go.mod"),
        ("tool debian package", None, None),
        ("tool v1 heliograph/tools/tool", "module heliograph/tools/tool", None),
        ("tool v1 heliograph/tools/tool", None, "without go.mod"),
    ],
)
def test_a_tool_has_a_version_and_sums(tmp_path: Path, row: str, module: str | None, told: str | None) -> None:
    (tmp_path / "versions").write_text(f"# name version\n{row}\n")
    if module is not None:
        (tmp_path / "modules/tool").mkdir(parents=True)
        (tmp_path / "modules/tool/go.mod").write_text(module)
        (tmp_path / "modules/tool/go.sum").write_text("")
    faults = list(pins.tool_faults(tmp_path))
    assert (told in faults[0]) if told else faults == []


@pytest.mark.parametrize("version", ["[1,2)", "LATEST", "1.0-SNAPSHOT", ""])
def test_a_server_has_an_exact_version(version: str) -> None:
    program = Program("server", version, (Artifact("org", "server", version),))
    assert list(pins.server_faults(program, {f"server-{version}.jar": SUM}))


def test_a_server_has_sums() -> None:
    program = Program("server", "1.0", (Artifact("org", "server", "1.0"),))
    assert list(pins.server_faults(program, {"server-1.0.jar": SUM})) == []
    assert list(pins.server_faults(program, {})) == ["servers: server-1.0: no sum is written down"]


def _report(*dependencies: Mapping[str, object]) -> list[str]:
    return [json.dumps({"dependencies": dependencies})]


def test_a_known_vulnerability_is_a_fault_until_it_is_accepted(tmp_path: Path) -> None:
    vulnerability = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
    found = audit.parse(_report({"name": "left-pad", "version": "1.0", "vulns": [vulnerability]}))
    assert audit.judge(found, {}) == (["left-pad 1.0: PYSEC-1, fixed in 2.0"], [])
    (tmp_path / "accepted.txt").write_text("CVE-1 2026-12-31 not reached from here\nCVE-2 2026-12-31\n")
    known = audit.accepted(tmp_path / "accepted.txt", date(2026, 12, 31))
    assert known == {"CVE-1": "not reached from here"}
    assert audit.judge(found, known)[0] == []
    assert audit.accepted(tmp_path / "accepted.txt", date(2027, 1, 1)) == {}


def test_a_service_that_knows_no_package_has_checked_none() -> None:
    unknown = {"name": "left-pad", "version": "1.0", "skip_reason": "not found"}
    with pytest.raises(audit.Unreachable):
        audit.parse(_report(unknown))
    known: dict[str, object] = {"name": "other", "version": "1.0", "vulns": []}
    assert [hit.package for hit in audit.parse(_report(unknown, known))] == ["left-pad"]


def test_what_was_not_checked_is_not_ok() -> None:
    assert Report("audit", skipped="no service").outcome == "SKIPPED"
    assert Report("audit", ["fault"], skipped="no service").outcome == "FAILED"


@pytest.mark.parametrize(
    ("version", "hit"), [("1.0", True), ("1.9.1", True), ("0.9", False), ("2.0", False), ("2.5", True), ("3.1", False)]
)
def test_advisories_are_read_by_ranges_and_versions(tmp_path: Path, version: str, hit: bool) -> None:
    (tmp_path / "one.yaml").write_text(
        "id: PYSEC-1\naffected:\n- package: {name: Left_Pad}\n  versions: ['2.5']\n  ranges:\n"
        "  - {type: ECOSYSTEM, events: [{introduced: '1.0'}, {fixed: '2.0'}]}\n"
    )
    (tmp_path / "two.yaml").write_text("id: PYSEC-2\nwithdrawn: 2024-01-01\naffected: []\n")
    records = advisories.read(tmp_path)
    found = list(advisories.matching(records, [locks.Locked("left-pad", version, frozenset())]))
    assert bool(found) is hit


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        ("run(a)  # noqa: S603 our own arguments", True),
        ("run(a)  # nosec B603 our own arguments", True),
        ("run(a)  # noqa: S607, S603 our own arguments", True),
        ("run(a)  # noqa: S603", False),
        ("run(a)  # nosec", False),
        ("run(a)  # noqa: S607 another rule", False),
        ("run(a)", False),
    ],
)
def test_a_finding_is_excused_by_its_rule_and_a_reason(line: str, passes: bool) -> None:
    assert code.excused(code.Finding("a.py", "B603", "subprocess", [2]), ["import a", line]) is passes


def test_a_file_that_bandit_cannot_read_is_no_pass() -> None:
    with pytest.raises(ValueError, match="cannot read"):
        code.parse(json.dumps({"errors": [{"filename": "a.py"}], "results": []}))


def test_a_bill_lists_what_the_lock_has(lock: Path, tmp_path: Path) -> None:
    project, out = tmp_path / "pyproject.toml", tmp_path / "post.cdx.json"
    project.write_text('[project]\nname = "post"\nversion = "1"\n')
    sbom.write(lock, project, out)
    assert sbom.faults(out.read_text(), lock) == []
    lock.write_text(LOCKED.replace("1.2.3", "1.2.4") + f"third==1.0 --hash=sha256:{SUM}\n")
    told = sbom.faults(out.read_text(), lock)
    assert told == ["left-pad 1.2.4 is missing", "third 1.0 is missing", "left-pad 1.2.3 is not in the lock"]
    assert sbom.faults('{"components": 1}', lock)[0].startswith("no CycloneDX")


def test_the_tree_to_scan_is_what_git_would_take(tmp_path: Path) -> None:
    root, to = tmp_path / "clone", tmp_path / "copy"
    root.mkdir()
    leaks.run(["git", "init", "-q", "."], root)
    for name in (".gitignore", "kept", "ignored"):
        (root / name).write_text("ignored\n")
    leaks.copy_tree(root, to)
    assert sorted(path.name for path in to.iterdir()) == [".gitignore", "kept"]
