"""The engine and the images to look at: all, or those that HELIOGRAPH_IMAGES names ("user feed")."""

import os
from collections.abc import Callable

import pytest

from deploy.images.build import SERVICES, full_name, version
from deploy.images.container import Box
from deploy.images.engine import Engine, find

ASKED = tuple(os.environ.get("HELIOGRAPH_IMAGES", "").split()) or SERVICES

BoxOf = Callable[..., Box]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "service" in metafunc.fixturenames:
        metafunc.parametrize("service", ASKED, scope="session")


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find(os.environ.get("HELIOGRAPH_ENGINE", ""), known=("podman", "docker"))


@pytest.fixture(scope="session")
def box_of(engine: Engine) -> BoxOf:
    repository = os.environ.get("HELIOGRAPH_REPOSITORY", "heliograph")
    tag = os.environ.get("HELIOGRAPH_TAG") or version()

    def make(service: str, **told: object) -> Box:
        return Box(engine, full_name(repository, service, tag), **told)  # pyright: ignore[reportArgumentType]

    return make
