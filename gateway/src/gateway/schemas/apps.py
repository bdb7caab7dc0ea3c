"""Other people's apps, as their makers and their users see them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from pydantic import ConfigDict, Field

from gateway.schemas.answers import Id, Time
from gateway.schemas.requests import Body, Text

ClientTypeName = Literal["public", "confidential"]
ScopeName = Literal["read", "write", "follow", "push", "email"]
_URIS = "https, http on 127.0.0.1 or [::1] (any port fits), or a scheme with a dot; matched exactly"
_URI_LIST = Field(min_length=1, max_length=10, description=_URIS)


class App(Struct, frozen=True):
    """`client_id` is its name in OAuth, `scopes` the most that it may ask for."""

    id: Id
    client_id: str
    name: str
    website: str
    client_type: ClientTypeName
    redirect_uris: list[str]
    scopes: list[str]
    created_at: Time | None


class NewApp(App, frozen=True):
    client_secret: Annotated[str | None, Meta(description="Told this once; null for a public app")]


class AppSecret(Struct, frozen=True):
    client_secret: Annotated[str, Meta(description="Told this once; the one before is dead")]


class Apps(Struct, frozen=True):
    """All of them: there are at most 50."""

    items: list[App]
    next: None = None


class AuthorizedApp(Struct, frozen=True):
    """An app that one lets in, since when, and when it last got a token."""

    id: Id
    name: str
    website: str
    scopes: list[str]
    authorized_at: Time | None
    last_used_at: Time | None


class AuthorizedApps(Struct, frozen=True):
    """All of them."""

    items: list[AuthorizedApp]
    next: None = None


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class AppRegistration(Body):
    """A public app cannot keep a secret: it runs on phones and desktops, or in a page."""

    model_config = _example(
        name="Lens", client_type="public", redirect_uris=["https://lens.example.org/cb"], scopes=["read", "write"]
    )

    name: Text
    client_type: ClientTypeName
    redirect_uris: Annotated[list[Text], _URI_LIST]
    scopes: Annotated[list[Text], Field(min_length=1, max_length=10, default_factory=lambda: ["read"])]
    website: Text = ""


class AppChange(Body):
    model_config = _example(name="Lens 2", scopes=["read"])

    name: Text = ""
    redirect_uris: Annotated[list[Text], _URI_LIST] = Field(default_factory=list[str])
    scopes: Annotated[list[Text], Field(min_length=1, max_length=10)] = Field(default_factory=list[str])
    website: Text = ""


_TIME = "2026-06-21T19:30:00.000Z"
_APP = {
    "id": "116045278314958854",
    "client_id": "app-116045278314958854",
    "name": "Lens",
    "website": "https://lens.example.org",
    "client_type": "confidential",
    "redirect_uris": ["https://lens.example.org/cb"],
    "scopes": ["read", "write"],
    "created_at": _TIME,
}
_AUTHORIZED = {
    "id": "116045278314958854",
    "name": "Lens",
    "website": "https://lens.example.org",
    "scopes": ["read", "write"],
    "authorized_at": _TIME,
    "last_used_at": _TIME,
}
APP_EXAMPLES: dict[str, dict[str, Any]] = {
    "App": _APP,
    "NewApp": {**_APP, "client_secret": "hgs_3q2-7w"},  # nosec B105 an example
    "AppSecret": {"client_secret": "hgs_9fK2-x"},  # nosec B105 an example
    "Apps": {"items": [_APP], "next": None},
    "AuthorizedApp": _AUTHORIZED,
    "AuthorizedApps": {"items": [_AUTHORIZED], "next": None},
}
