"""deploy/compose.yaml runs what the table of processes says, and provisioning gives it what it mounts."""

from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from devstack.faults import StackError
from devstack.processes import SERVICES, TABLE

from devstack import provision, system

ADDRESSES = {f"HELIOGRAPH_{name}": f"{name.lower()}.example:1" for name in provision.READ}
COMPOSE = system.TOPICS.with_name("compose.yaml")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", yaml.safe_load(COMPOSE.read_text())["services"])


def secret_files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("process", TABLE, ids=lambda process: process.name)
def test_every_process_is_a_service_with_the_same_command(services: dict[str, dict[str, Any]], process: Any) -> None:
    assert services[process.name]["command"] == [process.module, *process.arguments]
    assert services[process.name]["healthcheck"]["test"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_migrates_before_it_starts(services: dict[str, dict[str, Any]], service: str) -> None:
    assert services[f"{service}-migrate"]["command"] == [f"{service}_service", "migrate"]
    assert f"{service}-migrate" in services[service]["depends_on"]


def test_every_image_of_ours_is_built_once(services: dict[str, dict[str, Any]]) -> None:
    built = [service["build"]["args"]["SERVICE"] for service in services.values() if "build" in service]
    assert sorted(built) == sorted([*SERVICES, "gateway", "devstack", "helio"])


def test_what_is_waited_for_exists_and_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        assert ":" in service["image"] or service["image"].startswith("heliograph-"), name


def test_secrets_are_made_once_for_each_folder_that_is_mounted(
    tmp_path: Path, services: dict[str, dict[str, Any]]
) -> None:
    provision.write_secrets(tmp_path, ADDRESSES)
    first = secret_files(tmp_path)
    provision.write_secrets(tmp_path, ADDRESSES)
    assert secret_files(tmp_path) == first
    for service in services.values():
        for volume in service.get("volumes", []):
            if isinstance(volume, dict) and volume["source"] == "secrets":
                assert (tmp_path / "secrets" / volume["volume"]["subpath"]).is_dir()
    assert first["secrets/user/heliograph_postgres_dsn"].endswith("@postgres_address.example:1/heliograph_user")


def test_provisioning_without_addresses_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not set: HELIOGRAPH_POSTGRES_ADDRESS, "):
        provision.write_secrets(tmp_path, {})
