"""The same inputs give the same image."""

import pytest

from deploy.images import build
from deploy.images.engine import Engine

# The smallest; all are made by the same recipe.
SERVICE = "helio"


@pytest.fixture
def base(engine: Engine) -> str:
    """What the image of it that is here was built on."""
    image = build.full_name("heliograph", SERVICE, build.version())
    return engine.inspect(image)["Config"]["Labels"]["org.opencontainers.image.base.name"]


def test_two_builds_without_a_cache_have_the_same_layers(engine: Engine, base: str) -> None:
    layers: list[list[str]] = []
    for tag in ("one", "two"):
        built = build.build(engine, SERVICE, build.Wanted("localhost/heliograph-twice", tag, base, "", fresh=True))
        layers.append(engine.inspect(built.image)["RootFS"]["Layers"])
        engine.ask("rmi", built.image)

    assert len(layers[0]) > 1
    assert layers[0] == layers[1]
