"""Each service's list of who may call it is what the others' code calls, no more and no less."""

import ast
from collections.abc import Iterator, Mapping, Set
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import ServiceDescriptor

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
SERVICES = ("user", "graph", "post", "feed", "notify", "search")
SOURCES = {name: ROOT / f"services/{name}/src/{name}_service" for name in SERVICES} | {
    name: ROOT / name / "src" / name for name in ("gateway", "helio")
}
# Callers on a list who do not call: those of the release before this one still do, or those of the next one will.
LENT: Mapping[str, Set[str]] = {}


def rules(service: str) -> Mapping[str, Set[str]]:
    return import_module(f"{service}_service.callers").CALLERS


@cache
def descriptors() -> Mapping[str, ServiceDescriptor]:
    """Of all gRPC services, by their full names."""
    found: dict[str, ServiceDescriptor] = {}
    for path in PROTOS.rglob("*.proto"):
        if "\nservice " in path.read_text():
            module = ".".join(path.relative_to(PROTOS).with_suffix("").parts) + "_pb2"
            found |= {each.full_name: each for each in import_module(module).DESCRIPTOR.services_by_name.values()}
    return found


@cache
def words(caller: str) -> frozenset[str]:
    """Every name that a package's code imports or takes from something, and the paths of methods it spells out."""
    found: set[str] = set()
    for node in nodes(SOURCES[caller]):
        if isinstance(node, ast.ImportFrom):
            package = (node.module or "").rpartition(".")[0]
            found |= {f"{package}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/heliograph."):
            found.add(node.value.rpartition("/")[2])
    return frozenset(found)


def nodes(folder: Path) -> Iterator[ast.AST]:
    for path in folder.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text()))


def callers_of(service: ServiceDescriptor, method: str) -> set[str]:
    """Whose code makes a stub of the service and calls the method of something."""
    stubs = {f"{service.full_name}Stub", f"{service.name}Stub"}
    return {caller for caller in SOURCES if stubs & words(caller) and method in words(caller)}


@pytest.mark.parametrize("service", SERVICES)
def test_who_may_call_is_who_calls(service: str) -> None:
    known = rules(service)
    for name in (name for name in known if "/" not in name):
        descriptor = descriptors()[name]
        of_all: set[str] = set()
        for method in (method.name for method in descriptor.methods):
            callers, path = callers_of(descriptor, method), f"{name}/{method}"
            if path in known:
                assert callers == set(known[path]) - LENT.get(path, set()), path
            else:
                assert callers <= set(known[name]), path
                of_all |= callers
        assert of_all == set(known[name]) - LENT.get(name, set()), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_list_is_of_a_service_or_a_method_that_there_is(service: str) -> None:
    for name in rules(service):
        full, _, method = name.partition("/")
        assert not method or (full in rules(service) and method in descriptors()[full].methods_by_name), name


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_that_is_registered_has_callers(service: str) -> None:
    added: set[str] = set()
    for node in nodes(SOURCES[service]):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name.startswith("add_") and name.endswith("Servicer_to_server"):
            added.add(name.removeprefix("add_").removesuffix("Servicer_to_server"))
    assert added == {name.rpartition(".")[2] for name in rules(service) if "/" not in name}


def test_every_call_has_somebody_who_answers() -> None:
    served = {name.rpartition(".")[2] for service in SERVICES for name in rules(service)}
    for caller in SOURCES:
        stubs = {word.rpartition(".")[2] for word in words(caller) if word.endswith("ServiceStub")}
        assert {stub.removesuffix("Stub") for stub in stubs} <= served, caller
