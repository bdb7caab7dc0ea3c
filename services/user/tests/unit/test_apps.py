"""Where an app may have people sent, and what its tokens look like."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from user_service.model.apps import App, ClientType, app_id_of, redirect_uri_fault
from user_service.model.oauth import BROWSER_PREFIX, CODE_PREFIX, Handle, parse_handle, sent_back

APP = App(7, 1, "Lens", "", ClientType.PUBLIC, (), ("read",), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "https://app.example",
        "https://app.example:8443/cb?x=1&y=%20",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8080/cb",
        "http://[::1]:8080/cb",
        "com.example.app:/cb",
        "com.example.app://cb",
    ],
)
def test_these_may_be_registered(uri: str) -> None:
    assert redirect_uri_fault(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "//app.example/cb",
        "app.example/cb",
        "http://app.example/cb",
        "http://localhost/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://0177.0.0.1/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "https:///cb",
        "https://",
        "https://app.example/cb#",
        "https://app.example/cb#token",
        "https://*.app.example/cb",
        "https://user@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example/\ncb",
        "https://app.example/c b",
        "https://app.example/ü",
        "https://app.example:x/cb",
        "https://app.example:99999/cb",
        'https://app.example/"',
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "com.example.app:cb",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://app.example/" + "x" * 500,
    ],
)
def test_these_may_not(uri: str) -> None:
    assert redirect_uri_fault(uri)


@pytest.mark.parametrize(
    ("known", "asked", "fits"),
    [
        ("https://app.example/cb", "https://app.example/cb", True),
        ("https://app.example/cb", "https://app.example/cb/", False),
        ("https://app.example/cb", "https://app.example:443/cb", False),
        ("https://app.example/cb", "https://APP.example/cb", False),
        ("https://app.example/cb", "https://app.example/cb?x=1", False),
        ("https://app.example/cb", "https://app.example/x/../cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", True),
        ("http://[::1]/cb", "http://[::1]:51004/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:x@evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#x", False),
        ("http://127.0.0.1/cb", "http://localhost:51004/cb", False),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb2", False),
    ],
)
def test_people_are_sent_where_it_was_registered_but_for_the_port_of_loopback(
    known: str, asked: str, fits: bool
) -> None:
    assert replace(APP, redirect_uris=(known,)).may_send_to(asked) is fits


def test_what_is_told_is_put_behind_the_uri_as_it_is() -> None:
    assert sent_back("https://a.example/cb", [("code", "a b")]) == "https://a.example/cb?code=a%20b"
    assert sent_back("https://a.example/cb?x=%20", [("code", "&")]) == "https://a.example/cb?x=%20&code=%26"
    assert sent_back("com.example.app:/cb", [("iss", "https://x")]) == "com.example.app:/cb?iss=https%3A%2F%2Fx"


def test_a_handle_has_one_spelling_and_one_purpose() -> None:
    handle = Handle(1, 2, b"s" * 32)
    text = handle.text(CODE_PREFIX)
    assert parse_handle(text, CODE_PREFIX) == handle
    for other in ("", text + "=", text[:-1], text.removeprefix(CODE_PREFIX), text + "A", "ü"):
        assert parse_handle(other, CODE_PREFIX) is None
    assert parse_handle(text, BROWSER_PREFIX) is None


@pytest.mark.parametrize("name", ["app-0", "app-07", "app-", "7", "app-" + "9" * 19, "app-٧", "app-7 "])
def test_only_one_spelling_names_an_app(name: str) -> None:
    assert app_id_of("app-7") == 7
    assert app_id_of(name) == 0
