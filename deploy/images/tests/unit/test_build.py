"""Names, versions and the command that builds."""

import re
from pathlib import Path

import pytest

from deploy.images import build
from deploy.images.engine import Engine, ImageError, Recipe


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("heliograph", "docker.io/heliograph/user:1.2"),
        ("registry.example/heliograph", "registry.example/heliograph/user:1.2"),
        ("localhost:5000", "localhost:5000/user:1.2"),
        ("localhost/heliograph", "localhost/heliograph/user:1.2"),
    ],
)
def test_images_are_named_as_an_orchestrator_finds_them(repository: str, name: str) -> None:
    assert build.full_name(repository, "user", "1.2") == name


def test_the_base_is_pinned_by_digest() -> None:
    assert re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", build.pinned_base())


def test_every_service_is_an_image_and_has_a_lock() -> None:
    members = {path.parent.name for path in build.ROOT.glob("services/*/pyproject.toml")}

    assert members <= set(build.SERVICES)
    assert all((build.ROOT / f"requirements/{service}.lock").is_file() for service in build.SERVICES)


def test_an_image_is_of_its_own_sources_alone() -> None:
    inputs = build.inputs("user")

    assert {"services/user", "libs/kit", "protos", "requirements/user.lock", "deploy/Dockerfile"} <= set(inputs)
    assert not {"libs/rendering", "services/post", "requirements/post.lock"} & set(inputs)
    assert all((build.ROOT / path).exists() for path in inputs)


def test_what_the_sources_need_is_in_the_context() -> None:
    """Else a file would be missing from the image, and only there."""
    let_in = [
        line[1:] for line in (build.ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    wanted = {str(path.relative_to(build.ROOT)) for path in build.ROOT.glob("services/*/src/**/*") if path.is_file()}
    wanted |= {str(path.relative_to(build.ROOT)) for path in build.ROOT.glob("gateway/src/**/*") if path.is_file()}

    assert wanted
    assert all(any(path.startswith(f"{start}/") for start in let_in) for path in wanted)


def test_a_failed_build_tells_how_it_ended(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\necho no space left\nexit 3\n")
    program.chmod(0o755)

    with pytest.raises(ImageError, match="no space left"):
        Engine(str(program), {}).build(tmp_path, Recipe("name", "base", {}))


def test_the_builder_is_told_everything_by_name(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "podman"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{said}\n')
    program.chmod(0o755)

    Engine(str(program), {"PIP_CERT": "/certs"}).build(
        tmp_path, Recipe("name", "base", {"SERVICE": "user"}, fresh=True)
    )

    assert {
        "--build-arg=SERVICE=user",
        "--build-arg=BASE=base",
        "--timestamp=0",
        "--no-cache",
        "--secret=id=ca,src=/certs",
    } <= set(said.read_text().splitlines())


def test_docker_is_told_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$DOCKER_BUILDKIT" "$@" >{said}\n')
    program.chmod(0o755)

    Engine("docker", {"PATH": f"{tmp_path}:/usr/bin:/bin"}).build(tmp_path, Recipe("name", "base", {}))

    told = said.read_text().splitlines()
    assert told[:2] == ["1", "build"]
    assert not [option for option in told if option.startswith(("--timestamp", "--ignorefile", "--layers"))]
