"""Who may call which of our gRPC services and methods (see kit.callers). tests/unit/test_callers.py compares this with
who does."""

from collections.abc import Mapping, Set
from types import MappingProxyType

CALLERS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "heliograph.graph.v1.GraphService": {"gateway"},
        "heliograph.graph.v1.GraphService/BatchGetRelationships": {"gateway", "post", "notify", "search"},
        "heliograph.graph.v1.GraphService/BatchGetCounts": {"gateway", "feed"},
        "heliograph.graph.v1.GraphService/PackFollowers": {"feed"},
        "heliograph.graph.v1.GraphService/PackFollowing": {"feed"},
        "heliograph.graph.v1.GraphService/PackRelations": {"feed"},
        "heliograph.privacy.v1.PersonalDataService": {"user"},
        "heliograph.upkeep.v1.UpkeepService": {"helio"},
    }
)
