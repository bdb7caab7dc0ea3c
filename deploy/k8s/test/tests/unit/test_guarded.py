import pytest

from deploy.k8s.test.guarded import judged, leaks, parts

DSN = "postgresql://heliograph_user:sesame-open-up@10.0.0.1:5432/heliograph_user"


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("UNAVAILABLE", "UNAVAILABLE failed to connect", True),
        ("UNAVAILABLE", "OK", False),
        ("PERMISSION_DENIED", "PERMISSION_DENIED CALLER_NOT_ALLOWED", True),
        ("PERMISSION_DENIED", "INVALID_ARGUMENT", False),
        ("", "INVALID_ARGUMENT id is missing", True),
        ("", "OK", True),
        ("", "PERMISSION_DENIED", False),
        ("", "UNAVAILABLE", False),
        ("", "", False),
    ],
)
def test_each_caller_gets_what_it_should(expected: str, answer: str, right: bool) -> None:
    assert judged(expected, answer) is right


def test_an_address_is_secret_as_a_whole_and_by_its_password() -> None:
    assert parts(DSN) == [DSN, "sesame-open-up"]


def test_a_password_in_a_log_is_found_and_named() -> None:
    texts = {"specs": "env: []", "logs of user-1": "cannot log in with sesame-open-up"}
    assert leaks(texts, {"user/postgres_dsn": DSN}) == ["user/postgres_dsn in logs of user-1"]


def test_texts_without_secrets_are_clean() -> None:
    assert leaks({"specs": "image: heliograph/user:0.1.0"}, {"user/postgres_dsn": DSN}) == []


def test_short_words_are_not_sought() -> None:
    assert leaks({"specs": "heliograph"}, {"s3_access_key": "helio"}) == []
