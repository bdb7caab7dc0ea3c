"""The protocol of OAuth, in the words of its RFCs."""

from typing import Annotated, Any

from msgspec import Meta, Struct


class OAuthTokens(Struct, frozen=True, omit_defaults=True):
    """RFC 6749, section 5.1. There is no refresh token for what an app gets for itself."""

    access_token: str
    token_type: str
    expires_in: Annotated[int, Meta(description="Seconds that the access token lives")]
    scope: str
    refresh_token: str = ""


class OAuthError(Struct, frozen=True, omit_defaults=True):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str = ""


class Introspection(Struct, frozen=True, omit_defaults=True):
    """RFC 7662, section 2.2. Only `active`, false, for all but a live token of the app that asks."""

    active: bool
    scope: str = ""
    client_id: str = ""
    token_type: str = ""
    sub: str = ""
    aud: str = ""
    iss: str = ""
    jti: str = ""
    exp: int = 0
    iat: int = 0


class ServerMetadata(Struct, frozen=True):
    """RFC 8414, section 2."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    code_challenge_methods_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    authorization_response_iss_parameter_supported: bool
    service_documentation: str


_TIMES = {"exp": 1_784_057_400, "iat": 1_784_056_500}
OAUTH_EXAMPLES: dict[str, dict[str, Any]] = {
    "OAuthTokens": {
        "access_token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln",  # nosec B105 an example
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "read write",
        "refresh_token": "hgr_3q2-7w",
    },
    "OAuthError": {"error": "invalid_grant", "error_description": "Invalid 'code' in request."},
    "Introspection": {
        "active": True,
        "scope": "read write",
        "client_id": "app-116045278314958854",
        "token_type": "Bearer",  # nosec B105 a word of OAuth
        "sub": "116045278314958848",
        **_TIMES,
    },
    "ServerMetadata": {
        "issuer": "https://heliograph.example.org",
        "authorization_endpoint": "https://heliograph.example.org/oauth/authorize",
        "token_endpoint": "https://heliograph.example.org/oauth/token",  # nosec B105 an address
        "revocation_endpoint": "https://heliograph.example.org/oauth/revoke",
        "introspection_endpoint": "https://heliograph.example.org/oauth/introspect",
        "jwks_uri": "https://heliograph.example.org/.well-known/jwks.json",
        "scopes_supported": ["read", "write", "follow", "push", "email"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": "https://heliograph.example.org/docs",
    },
}
