"""Where the servers are, and settings that point at them."""

import json
import os
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from kit.settings import PREFIX, Settings

VARIABLE = "HELIOGRAPH_TEST_SERVERS"

S = TypeVar("S", bound=Settings)


class MakeSettings(Protocol):
    """make_settings(UserSettings, postgres_dsn=dsn): the class with the servers' addresses and these values."""

    def __call__(self, cls: type[S], **values: Any) -> S: ...


@pytest.fixture(scope="session")
def servers() -> dict[str, str]:
    """HELIOGRAPH_* variables of the servers that tests share."""
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.fail(f"{VARIABLE} must name the JSON file of the test servers' addresses", pytrace=False)
    return json.loads(Path(path).read_text())


@pytest.fixture
def make_settings(servers: dict[str, str]) -> MakeSettings:
    common = {name.removeprefix(PREFIX).lower(): value for name, value in servers.items()}

    def make(cls: type[S], **values: Any) -> S:
        return cls(**{**common, **values})

    return make
