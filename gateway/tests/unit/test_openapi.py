"""The document that describes the API is whole and is the one that is committed."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec
import pytest
from gateway.app import build_api
from gateway.examples import EXAMPLES

from gateway import docs, drift, schemas

METHODS = ("get", "post", "put", "patch", "delete")
# These say in words of their own who was not let in: RFC 6749's, or a page's.
OAUTH_OPERATIONS = {"authorizeApp", "answerAuthorization", "issueToken", "revokeToken", "introspectToken"}
TOKEN_OPERATIONS = {"logIn", "proveSecondFactor", "logInWithPasskey", "refreshSession", *OAUTH_OPERATIONS}
# No answer with a secret is kept, so none is replayed.
SECRET_OPERATIONS = {
    "beginTotp", "confirmTotp", "makeRecoveryCodes", "beginPasskey", "addPasskey", "challengePasskey",
    "beginPasskeyLogIn", "renewAppSecret",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_api().openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                yield method, path, operations[method]


def test_it_is_openapi_3_1(document: dict[str, Any]):
    assert document["openapi"] == "3.1.0"


def test_every_reference_leads_somewhere(document: dict[str, Any]):
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found: Any = document
        for part in reference.split("/"):
            found = found[part]


def test_operation_ids_are_stable_names_given_once(document: dict[str, Any]):
    names = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)


def test_every_operation_tells_its_answers_and_problems(document: dict[str, Any]):
    for method, path, operation in _operations(document):
        statuses = set(operation["responses"])
        assert any(status.startswith("2") for status in statuses), path
        assert {"429", "500", "503", "504"} <= statuses, path
        for status in statuses - {"304"}:
            if status >= "4" and operation["operationId"] not in OAUTH_OPERATIONS:
                assert "application/problem+json" in operation["responses"][status]["content"], (method, path, status)


def test_what_needs_a_token_says_so(document: dict[str, Any]):
    for _, path, operation in _operations(document):
        assert "security" in operation, path
        told = operation["operationId"] in TOKEN_OPERATIONS - {"authorizeApp"} or bool(operation["security"])
        assert ("401" in operation["responses"]) == told, path


def test_every_post_takes_an_idempotency_key_save_those_that_answer_tokens(document: dict[str, Any]):
    for method, path, operation in _operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        expected = method == "post" and operation["operationId"] not in TOKEN_OPERATIONS | SECRET_OPERATIONS
        assert ("Idempotency-Key" in names) == expected, path


def test_bodies_that_clients_send_have_examples(document: dict[str, Any]):
    shapes = document["components"]["schemas"]
    for _, path, operation in _operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            if name:
                assert shapes[name]["examples"], path
                assert shapes[name]["additionalProperties"] is False
            else:
                assert content["example"], path


def test_answers_that_clients_read_have_examples(document: dict[str, Any]):
    shapes = document["components"]["schemas"]
    for _, path, operation in _operations(document):
        for response in operation["responses"].values():
            for media_type, content in response.get("content", {}).items():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                if media_type.endswith("json") and name:
                    assert shapes[name]["examples"], (path, name)


def test_whoever_is_told_to_come_back_is_told_when(document: dict[str, Any]):
    for _, path, operation in _operations(document):
        for status in ("429", "503"):
            assert "Retry-After" in operation["responses"][status]["headers"], path


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_are_what_they_are_examples_of(name: str):
    found = (import_module(f"{schemas.__name__}.{module.name}") for module in iter_modules(schemas.__path__))
    kind = next(getattr(module, name) for module in found if hasattr(module, name))
    msgspec.convert(EXAMPLES[name], kind, strict=True)


def test_the_committed_copy_is_current():
    assert drift.run(check=True) == 0


def test_the_page_for_people_fetches_and_runs_nothing(document: dict[str, Any]):
    page = docs.page(document)
    assert "<script" not in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    for _, path, _ in _operations(document):
        assert path in page
