"""How large the backing servers are made: HELIOGRAPH_SERVERS_SIZE.

`small`, the default, starts fast and fits a laptop and tests. `large` is for benchmarks: what Java's servers reach with
the optimising compiler, and with heaps and memtables of the order that one gives them in production.
"""

import os
from enum import Enum

from devstack.faults import StackError

VARIABLE = "HELIOGRAPH_SERVERS_SIZE"


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


def wanted() -> Size:
    """Raises StackError for a word that is none."""
    found = os.environ.get(VARIABLE) or Size.SMALL.value
    try:
        return Size(found)
    except ValueError:
        raise StackError(f"{VARIABLE}: {found!r} is neither small nor large") from None
