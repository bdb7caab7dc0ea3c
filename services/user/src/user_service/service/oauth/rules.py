"""What RFC 6749, 7636, 7009 and 7662 demand of a request, judged by Authlib.

Authlib is synchronous, and so are rules: whatever a request names is loaded before, Authlib judges it without any I/O,
and what follows from its verdict is done afterwards, in the same transaction where that matters (ADR 11).
"""

# What Authlib wants are the names and shapes of its own classes; its rules ask for nothing but the methods.
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request, TokenEndpoint, grants
from authlib.oauth2.rfc6749 import errors as oauth
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from user_service.model.apps import APP_READS
from user_service.model.oauth import Answer, Parameters
from user_service.model.scopes import APP_SCOPES
from user_service.service.oauth.shown import Client, LiveToken, Loaded, RedeemableCode, Request

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]
TOKEN_METHODS = [*SECRET_METHODS, "none"]
_CHALLENGE_LENGTH = 43  # of S256
_HASHES: Mapping[str, Callable[[str, str], bool]] = CodeChallenge.CODE_CHALLENGE_METHODS  # type: ignore[assignment]


@dataclass(frozen=True)
class Permissible:
    redirect_uri: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class NotPermissible:
    """`redirect_uri` is empty as long as it is not proven; `told` are the parameters that tell the app why, the state
    among them."""

    redirect_uri: str
    told: Parameters


class S256(CodeChallenge):
    """For every client, and by S256 alone."""

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar = {"S256": _HASHES["S256"]}

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data: Mapping[str, str] = grant.request.payload.data
        challenge, method = data.get("code_challenge"), data.get("code_challenge_method")
        if not challenge:
            raise oauth.InvalidRequestError("Missing 'code_challenge'")
        if method != "S256":  # left out means plain
            raise oauth.InvalidRequestError("Unsupported 'code_challenge_method', it must be S256")
        super().validate_code_challenge(grant, redirect_uri)
        if len(challenge) != _CHALLENGE_LENGTH:
            raise oauth.InvalidRequestError("Invalid 'code_challenge'")


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = TOKEN_METHODS

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: Client) -> str:
        """In words that do not repeat it: Authlib's error texts cannot hold every character."""
        uri: str | None = request.payload and request.payload.redirect_uri
        if not uri:
            raise oauth.InvalidRequestError("The redirect_uri is missing")
        if not client.check_redirect_uri(uri):
            raise oauth.InvalidRequestError("The redirect_uri is not one that the app has registered")
        return uri

    def query_authorization_code(self, _code: str, client: Client) -> RedeemableCode | None:
        loaded: Loaded = self.server.loaded
        loaded.proven = True
        found = loaded.code
        fits = found is not None and found.app_id == client.app.id and found.is_good(loaded.now)
        return RedeemableCode(found) if found and fits else None

    def authenticate_user(self, authorization_code: RedeemableCode) -> int:
        return authorization_code.code.user_id

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        raise NotImplementedError  # codes are made where they are stored

    def delete_authorization_code(self, authorization_code: RedeemableCode) -> None:
        """Done afterwards."""


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = TOKEN_METHODS

    def authenticate_refresh_token(self, _refresh_token: str) -> LiveToken | None:
        return self.server.loaded.token

    def authenticate_user(self, refresh_token: LiveToken) -> LiveToken:
        return refresh_token

    def revoke_old_credential(self, refresh_token: LiveToken) -> None:
        """Done afterwards."""


class OwnGrant(grants.ClientCredentialsGrant):
    """An app for itself: it may read what anybody may."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = SECRET_METHODS

    def validate_requested_scope(self) -> None:
        asked: str = self.request.form.get("scope") or ""
        if set(asked.split()) - {APP_READS}:
            raise oauth.InvalidScopeError()


class UnsupportedToken(oauth.UnsupportedTokenTypeError):
    status_code = 400


class _Tokens(TokenEndpoint):
    CLIENT_AUTH_METHODS: ClassVar = TOKEN_METHODS

    def check_params(self, request: Request, _client: Client) -> None:
        """A hint that is not known is no reason to refuse (RFC 7009, section 2.2.1: it is for the *token's* type)."""
        if "token" not in request.form:
            raise oauth.InvalidRequestError("Missing 'token'")

    def query_token(self, _token: str, _hint: str | None) -> LiveToken | None:
        return self.server.loaded.token


class Revocation(_Tokens, RevocationEndpoint):
    """Afterwards the session is to be ended, if `proven` and there is one."""

    def revoke_token(self, token: LiveToken, _request: Request) -> None:
        if token.session is None:
            raise UnsupportedToken()
        self.server.loaded.proven = True


class Introspection(_Tokens, IntrospectionEndpoint):
    """For apps that can prove who they are (RFC 7662, section 2.1)."""

    CLIENT_AUTH_METHODS: ClassVar = SECRET_METHODS

    def check_permission(self, token: LiveToken, client: Client, _request: Request) -> bool:
        return token.check_client(client)

    def introspect_token(self, token: LiveToken) -> dict[str, object]:
        return {"active": True, "scope": token.get_scope(), **token.details}


class Judge(AuthorizationServer):
    """Of one request, with what it names already loaded."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(scopes_supported=APP_SCOPES)
        self.loaded = loaded
        self.register_grant(CodeGrant, [S256()])
        self.register_grant(RefreshGrant)
        self.register_grant(OwnGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)
        generator: Any = _bare
        self.register_token_generator("default", generator)

    def on_token(self, request: Request) -> Answer:
        return cast("Answer", self.create_token_response(request))

    def on_revocation(self, request: Request) -> Answer:
        return cast("Answer", self.create_endpoint_response("revocation", request))

    def on_introspection(self, request: Request) -> Answer:
        return cast("Answer", self.create_endpoint_response("introspection", request))

    def on_authorization(self, request: Request) -> Permissible | NotPermissible:
        try:
            grant = cast("Any", self.get_consent_grant(request))
        except OAuth2Error as error:
            told = [(str(name), value) for name, value in error.get_body() if value]
            return NotPermissible(error.redirect_uri or "", told)
        uri, scope = cast("tuple[str, str]", (grant.redirect_uri, grant.request.scope))
        return Permissible(uri, tuple(scope.split()))

    def query_client(self, client_id: str) -> Client | None:
        app = self.loaded.app
        return Client(app) if app and app.client_id == client_id else None

    def save_token(self, token: object, request: OAuth2Request) -> None:
        """Done afterwards."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Iterable[tuple[str, str]]) -> Answer:
        return Answer(status, dict(body), dict(headers))

    def get_authorization_grant(self, request: Request) -> CodeGrant:
        """In words that do not repeat what was asked for, as above."""
        grant = CodeGrant(request, self)
        S256()(grant)
        if request.read.response_type == "code":
            return grant
        client = self.query_client(request.read.client_id or "")
        if client is None:
            raise oauth.InvalidClientError("The app is not known")
        uri = grant.validate_authorization_redirect_uri(request, client)
        raise OAuth2Error("The response_type must be code", error="unsupported_response_type", redirect_uri=uri)


def refusal(code: str, description: str, status: int = 400) -> Answer:
    return Answer(status, {"error": code, "error_description": description})


def _bare(*, scope: str | None = None, **_: object) -> dict[str, object]:
    """The answer without its tokens: they are made where they are stored."""
    return {"token_type": "Bearer", "scope": scope or APP_READS}  # nosec B105 a word of OAuth
