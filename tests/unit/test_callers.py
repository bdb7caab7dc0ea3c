"""Each service's list of who may call it is what the others' code calls, no more and no less."""

import ast
from collections.abc import Mapping, Set
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("user", "graph", "post", "feed", "notify", "search")
SOURCES = {name: ROOT / f"services/{name}/src/{name}_service" for name in SERVICES} | {
    name: ROOT / name / "src" / name for name in ("gateway", "helio")
}


def rules(service: str) -> Mapping[str, Set[str]]:
    return import_module(f"{service}_service.callers").CALLERS


def asked_by(folder: Path) -> set[str]:
    """Full names of the gRPC services of which a package's code makes stubs."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("heliograph."):
                found |= {full_name(node, name.name) for name in node.names if name.name.endswith("Stub")}
            if isinstance(node, ast.Attribute) and node.attr.endswith("ServiceStub"):
                found.add(node.attr)
    return found


def full_name(node: ast.ImportFrom, stub: str) -> str:
    package = (node.module or "").rpartition(".")[0]
    return f"{package}.{stub.removesuffix('Stub')}"


def asks(caller: str, name: str) -> bool:
    asked = asked_by(SOURCES[caller])
    return name in asked or f"{name.rpartition('.')[2]}Stub" in asked


@pytest.mark.parametrize("service", SERVICES)
def test_who_may_call_is_who_calls(service: str) -> None:
    for name, callers in rules(service).items():
        assert set(callers) == {caller for caller in SOURCES if asks(caller, name)}, name


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_that_is_registered_has_callers(service: str) -> None:
    added: set[str] = set()
    for path in SOURCES[service].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name.startswith("add_") and name.endswith("Servicer_to_server"):
                added.add(name.removeprefix("add_").removesuffix("Servicer_to_server"))
    assert added == {name.rpartition(".")[2] for name in rules(service)}


def test_what_is_asked_is_served() -> None:
    served = {name for service in SERVICES for name in rules(service)}
    for caller, folder in SOURCES.items():
        for name in asked_by(folder):
            assert name in served or any(full.endswith(f".{name.removesuffix('Stub')}") for full in served), caller
