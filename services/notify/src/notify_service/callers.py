"""Who may call which of our gRPC services and methods (see kit.callers). tests/unit/test_callers.py compares this with
who does."""

from collections.abc import Mapping, Set
from types import MappingProxyType

CALLERS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "heliograph.notify.v1.NotifyService": {"gateway"},
        "heliograph.privacy.v1.PersonalDataService": {"user"},
    }
)
