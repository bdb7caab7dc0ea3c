"""Who may call which of our gRPC services. tests/unit/test_callers.py compares this with who does."""

from collections.abc import Mapping, Set
from types import MappingProxyType

CALLERS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "heliograph.user.v1.UserService": {"gateway", "graph", "post", "notify", "search", "helio"},
        "heliograph.user.v1.AdminService": {"gateway", "graph", "search", "helio"},
        "heliograph.user.v1.SettingsService": {"gateway", "notify"},
        "heliograph.user.v1.AvatarService": {"gateway"},
        "heliograph.user.v1.CredentialService": {"gateway"},
        "heliograph.user.v1.FactorService": {"gateway"},
        "heliograph.user.v1.LifecycleService": {"gateway"},
        "heliograph.user.v1.OAuthService": {"gateway"},
        "heliograph.user.v1.SignInService": {"gateway"},
    }
)
