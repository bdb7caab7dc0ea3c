"""A whole system that tests may kill and starve."""

from collections.abc import Iterator

import pytest
from devstack.testing import Stack
from support.system import GATEWAYS


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(environment=GATEWAYS) as stack:
        yield stack
