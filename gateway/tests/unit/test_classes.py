"""Which limits a request counts against."""

import inspect
from typing import get_type_hints

import pytest
from gateway.app import endpoints
from gateway.classes import Classes, guards_entry
from gateway.routing import Endpoint
from pydantic import BaseModel

GUESSABLE = {"password", "current_password", "code", "recovery_code", "assertion", "ticket"}
RANDOM = {"token", "refresh_token", "client_secret"}


@pytest.fixture(scope="module")
def classes() -> Classes:
    return Classes(endpoints())


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/me/feed", "read"),
        ("GET", "/v1/sessions", "read"),
        ("GET", "/v1/media/1", "read"),
        ("POST", "/v1/posts", "write"),
        ("PUT", "/v1/posts/1/like", "write"),
        ("POST", "/v1/media", "upload"),
        ("POST", "/v1/media/upload", "upload"),
        ("POST", "/v1/media/1/complete", "write"),
        ("POST", "/v1/accounts", "auth"),
        ("POST", "/v1/sessions", "auth"),
        ("POST", "/v1/sessions/second-factor", "auth"),
        ("POST", "/v1/sessions/passkey", "auth"),
        ("POST", "/v1/sessions/refresh", "auth"),
        ("DELETE", "/v1/sessions/1", "auth"),
        ("DELETE", "/v1/me/passkeys/1", "auth"),
        ("GET", "/media/p/k/a", "media"),
        ("BREW", "/nope", "write"),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
    ],
)
def test_each_request_has_its_class(classes: Classes, method: str, path: str, expected: str | None):
    assert classes.of(method, path) == expected


def _fields(endpoint: Endpoint) -> set[str]:
    hints = get_type_hints(inspect.unwrap(endpoint.handler))
    bodies = (kind for kind in hints.values() if isinstance(kind, type) and issubclass(kind, BaseModel))
    return {name for body in bodies for name in body.model_fields}


def test_whatever_takes_a_secret_is_limited_as_an_entry():
    taking = [endpoint for endpoint in endpoints() if _fields(endpoint) & GUESSABLE]
    assert len(taking) > 5
    assert [endpoint.operation_id for endpoint in taking if not guards_entry(endpoint)] == []


def test_whatever_takes_a_random_secret_is_limited_so_too_or_says_that_it_need_not_be():
    taking = [endpoint for endpoint in endpoints() if _fields(endpoint) & RANDOM]
    assert taking
    lax = [endpoint for endpoint in taking if not guards_entry(endpoint) and not endpoint.policy.unguessable]
    assert [endpoint.operation_id for endpoint in lax] == []
