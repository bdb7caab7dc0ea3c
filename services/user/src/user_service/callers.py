"""Who may call which of our gRPC services and methods (see kit.callers). tests/unit/test_callers.py compares this with
who does."""

from collections.abc import Mapping, Set
from types import MappingProxyType

CALLERS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "heliograph.user.v1.UserService": {"gateway"},
        "heliograph.user.v1.UserService/BatchGetProfiles": {"gateway", "graph", "post", "notify", "search"},
        "heliograph.user.v1.UserService/AwaitPublished": {"post"},
        "heliograph.user.v1.UserService/ResolveUsernames": {"post"},
        "heliograph.user.v1.UserService/GetJwks": {"gateway", "helio"},
        "heliograph.user.v1.UserService/RegisterAccount": {"gateway", "helio"},
        "heliograph.user.v1.AdminService": {"gateway", "helio"},
        "heliograph.user.v1.AdminService/RecordAct": {"helio"},
        "heliograph.user.v1.AdminService/ScanProfiles": {"graph", "search", "helio"},
        "heliograph.user.v1.SettingsService": {"gateway"},
        "heliograph.user.v1.SettingsService/BatchGetNotificationSettings": {"notify"},
        "heliograph.user.v1.AvatarService": {"gateway"},
        "heliograph.user.v1.CredentialService": {"gateway"},
        "heliograph.user.v1.FactorService": {"gateway"},
        "heliograph.user.v1.LifecycleService": {"gateway"},
        "heliograph.user.v1.OAuthService": {"gateway"},
        "heliograph.user.v1.SignInService": {"gateway"},
    }
)
