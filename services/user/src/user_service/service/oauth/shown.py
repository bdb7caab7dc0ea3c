"""Requests, apps, codes and tokens in the shapes that Authlib asks for."""

# pyright: reportIncompatibleMethodOverride=false
# Authlib's rules ask for these methods, not for the types that its stubs give them.

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import OAuth2Payload

from user_service.model.apps import APP_READS, App
from user_service.model.oauth import Code, Parameters

_INTERNAL = "https://authorization-server.invalid"  # Authlib wants a URL and reads nothing in it


@dataclass(frozen=True)
class Client:
    app: App

    def get_client_id(self) -> str:
        return self.app.client_id

    def get_default_redirect_uri(self) -> None:
        """None: it has to be named in every request, which is one thing less to mistake."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        asked = (scope or APP_READS).split()
        return " ".join(dict.fromkeys(asked)) if set(asked) <= set(self.app.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.app.may_send_to(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.app.has_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == "none") is not self.app.confidential

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.app.confidential
        return grant_type in ("authorization_code", "refresh_token")


@dataclass(frozen=True)
class RedeemableCode:
    code: Code
    code_challenge_method: str = "S256"

    @property
    def code_challenge(self) -> str:
        return self.code.challenge

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.code.scopes)


@dataclass(frozen=True)
class LiveToken:
    """`session` is None for what an app got for itself. `details` are what introspection tells."""

    app_id: int
    scopes: tuple[str, ...]
    session: tuple[int, int] | None
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    def check_client(self, client: Client) -> bool:
        return client.app.id == self.app_id

    def get_scope(self) -> str:
        return " ".join(self.scopes)

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


@dataclass
class Loaded:
    """What a request names, as far as it exists. `proven` becomes true when the client has shown who it is."""

    app: App | None
    now: datetime
    code: Code | None = None
    token: LiveToken | None = None
    proven: bool = False


class Payload(OAuth2Payload):
    def __init__(self, parameters: Parameters) -> None:
        self._datalist: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in parameters:
            self._datalist[name].append(value)
        # A parameter without a value counts as left out (RFC 6749, section 3.1).
        self._data = {name: values[0] for name, values in self._datalist.items() if values[0]}

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._datalist


class Request(OAuth2Request):
    def __init__(self, parameters: Parameters, authorization: str = "", *, method: str = "POST") -> None:
        super().__init__(method, _INTERNAL, headers={"Authorization": authorization} if authorization else {})
        self.read = Payload(parameters)
        self.payload = self.read

    @property
    def args(self) -> dict[str, str]:
        return self.read.data

    @property
    def form(self) -> dict[str, str]:
        return self.read.data
