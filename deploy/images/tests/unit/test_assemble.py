"""What is put into an image."""

import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from deploy.images import assemble, packages


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def project(name: str, *dependencies: str) -> str:
    return f'[project]\nname = "heliograph-{name}"\nversion = "1.2"\ndependencies = {list(dependencies)}\n'


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return write(
        tmp_path / "sources",
        {
            "services/post/pyproject.toml": project("post", "heliograph-kit[s3]", "heliograph-rendering", "pillow"),
            "services/post/src/post_service/__init__.py": "",
            "services/post/src/post_service/words.txt": "one",
            "services/post/src/post_service/__pycache__/old.pyc": "old",
            "services/post/migrations/0001_posts.py": "revision = '0001'",
            "gateway/pyproject.toml": project("gateway", "heliograph-protos"),
            "gateway/src/gateway/__init__.py": "",
            "libs/kit/pyproject.toml": project("kit", "heliograph-protos", "uvloop"),
            "libs/kit/src/kit/__init__.py": "",
            "libs/kit/src/kit/testing/__init__.py": "import pytest",
            "libs/rendering/pyproject.toml": project("rendering", "msgspec"),
            "libs/rendering/src/rendering/__init__.py": "",
            "protos/pyproject.toml": project("protos", "protobuf"),
            "protos/heliograph/post/v1/post_pb2.py": "",
            "protos/heliograph/post/v1/post_pb2.pyi": "",
            "protos/heliograph/post/v1/post.proto": "",
        },
    )


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_a_service_comes_with_its_data_its_migrations_and_what_it_names(sources: Path, tmp_path: Path) -> None:
    assemble.app(sources, "post", tmp_path / "app")

    assert files(tmp_path / "app") == {
        "member/src/post_service/__init__.py",
        "member/src/post_service/words.txt",
        "member/migrations/0001_posts.py",
        "libs/kit/__init__.py",
        "libs/rendering/__init__.py",
        "protos/heliograph/post/v1/post_pb2.py",
        "member/src/heliograph_post-1.2.dist-info/METADATA",
        *(f"libs/heliograph_{name}-1.2.dist-info/METADATA" for name in ("kit", "rendering", "protos")),
    }


def test_what_a_service_does_not_name_stays_out(sources: Path, tmp_path: Path) -> None:
    assemble.app(sources, "gateway", tmp_path / "app")

    assert {path.name for path in (tmp_path / "app/libs").iterdir()} == {"heliograph_protos-1.2.dist-info"}
    assert {path.name for path in (tmp_path / "app").iterdir()} == {"member", "libs", "protos"}


def test_a_process_can_ask_for_the_version_of_what_it_runs(sources: Path, tmp_path: Path) -> None:
    assemble.app(sources, "post", tmp_path / "app")

    found = metadata.distributions(path=[str(tmp_path / "app/libs"), str(tmp_path / "app/member/src")])
    names = {"heliograph-post", "heliograph-kit", "heliograph-rendering", "heliograph-protos"}
    assert {(package.metadata["Name"], package.version) for package in found} == {(name, "1.2") for name in names}


def test_what_a_member_needs_comes_with_it(sources: Path) -> None:
    assert assemble.closure(sources, sources / "services/post") == assemble.MEMBERS.keys()


def test_two_assemblies_are_the_same_to_the_byte(sources: Path, tmp_path: Path) -> None:
    assemble.app(sources, "post", tmp_path / "app")
    first = contents(tmp_path / "app")
    shutil.rmtree(tmp_path / "app")
    for path in sources.rglob("*.py"):
        os.utime(path, (1, 1))
    assemble.app(sources, "post", tmp_path / "app")

    assert contents(tmp_path / "app") == first
    assert any(name.endswith(".pyc") for name in first)


def contents(root: Path) -> dict[str, tuple[int, float, bytes]]:
    found = {path: path.stat() for path in root.rglob("*")}
    return {
        str(path.relative_to(root)): (stat.st_mode, stat.st_mtime, path.read_bytes() if path.is_file() else b"")
        for path, stat in found.items()
    }


def test_nobody_may_write_and_all_may_read(sources: Path, tmp_path: Path) -> None:
    (sources / "services/post/src/post_service/words.txt").chmod(0o600)
    assemble.app(sources, "post", tmp_path / "app")

    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "app").rglob("*")} == {"0o755", "0o644"}


@pytest.mark.parametrize("name", ["", "mail", "../gateway/src"])
def test_an_unknown_service_is_refused(sources: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match="no such service"):
        assemble.app(sources, name, tmp_path / "app")


def test_other_clouds_and_programs_are_trimmed(tmp_path: Path) -> None:
    site = "lib/python3.11/site-packages"
    write(
        tmp_path,
        {
            "bin/python3": "",
            "bin/alembic": "",
            f"{site}/botocore/data/s3/service.json": "",
            f"{site}/botocore/data/ec2/service.json": "",
            f"{site}/botocore/data/endpoints.json": "",
            f"{site}/uvloop/loop.pyx": "",
            f"{site}/uvloop/loop.so": "",
        },
    )

    packages.trim(tmp_path, tmp_path / site)

    assert files(tmp_path) == {
        "bin/python3",
        f"{site}/botocore/data/s3/service.json",
        f"{site}/botocore/data/endpoints.json",
        f"{site}/uvloop/loop.so",
    }
