"""A whole system that tests may kill and starve."""

from collections.abc import Generator, Iterator

import pytest
from devstack.testing import Stack
from support.last_words import last_words
from support.system import UNLIMITED


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(environment=UNLIMITED) as stack:
        yield stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.when == "call" and report.failed and isinstance(stack, Stack):
        report.sections.append(("last warnings of the processes, and what waits in them", last_words(stack)))
    return report
