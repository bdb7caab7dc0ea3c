"""Who may call which of our gRPC services. tests/unit/test_callers.py compares this with who does."""

from collections.abc import Mapping, Set
from types import MappingProxyType

CALLERS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "heliograph.post.v1.PostService": {"gateway", "feed", "notify", "search"},
        "heliograph.post.v1.FragmentService": {"feed"},
        "heliograph.post.v1.ScanService": {"search"},
        "heliograph.privacy.v1.PersonalDataService": {"user"},
        "heliograph.upkeep.v1.UpkeepService": {"helio"},
    }
)
