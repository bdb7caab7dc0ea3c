"""Who may call which of our gRPC services and methods (see kit.callers). tests/unit/test_callers.py compares this with
who does."""

from collections.abc import Mapping, Set
from types import MappingProxyType

CALLERS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "heliograph.post.v1.PostService": {"gateway"},
        "heliograph.post.v1.PostService/BatchGetPosts": {"feed", "notify", "search"},
        "heliograph.post.v1.PostService/BatchGetComments": {"notify"},
        "heliograph.post.v1.PostService/ListPostIds": {"feed"},
        "heliograph.post.v1.FragmentService": {"feed"},
        "heliograph.post.v1.ScanService": {"search"},
        "heliograph.privacy.v1.PersonalDataService": {"user"},
        "heliograph.upkeep.v1.UpkeepService": {"helio"},
    }
)
