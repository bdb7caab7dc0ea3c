"""A whole system that tests may kill and starve."""

from collections.abc import Iterator

import pytest
from devstack.testing import Stack
from support.system import UNLIMITED


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(environment=UNLIMITED) as stack:
        yield stack
