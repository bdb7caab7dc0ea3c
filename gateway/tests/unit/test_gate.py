"""Which limits a request counts against."""

import pytest
from gateway.gate import class_of


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/me/feed", "read"),
        ("GET", "/v1/media/1", "read"),
        ("POST", "/v1/posts", "write"),
        ("PUT", "/v1/posts/1/like", "write"),
        ("POST", "/v1/media", "upload"),
        ("POST", "/v1/media/upload", "upload"),
        ("POST", "/v1/media/1/complete", "write"),
        ("POST", "/v1/accounts", "auth"),
        ("POST", "/v1/sessions", "auth"),
        ("POST", "/v1/sessions/refresh", "auth"),
        ("DELETE", "/v1/sessions/1", "write"),
        ("GET", "/media/p/k/a", "media"),
        ("BREW", "/nope", "write"),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
    ],
)
def test_each_request_has_its_class(method: str, path: str, expected: str | None):
    assert class_of(method, path) == expected
