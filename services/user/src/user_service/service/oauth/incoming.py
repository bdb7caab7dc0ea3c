"""The form of requests, before the rules: what no judge should have to look at."""

from collections import Counter

from authlib.oauth2.rfc6749.util import extract_basic_authorization

from user_service.model.apps import app_id_of
from user_service.model.oauth import Answer, Parameters
from user_service.service.oauth.rules import refusal

_LONGEST_VALUE = 4096
_MOST_PARAMETERS = 50


def fault_of(parameters: Parameters) -> str | None:
    """RFC 6749, sections 3.1 and 3.2: no parameter twice; appendix A: printable ASCII."""
    if len(parameters) > _MOST_PARAMETERS:
        return "There are too many parameters"
    if any(count > 1 for count in Counter(name for name, _ in parameters).values()):
        return "A parameter must not come twice"
    if any(len(value) > _LONGEST_VALUE for _, value in parameters):
        return "A parameter is too long"
    if not all(_plain(name) and _plain(value) for name, value in parameters):
        return "Parameters must be printable ASCII"
    return None


def refused(parameters: Parameters, authorization: str) -> Answer | None:
    """What is wrong with a request to the token, revocation or introspection endpoint."""
    if fault := fault_of(parameters):
        return refusal("invalid_request", fault)
    named = dict(parameters)
    if not authorization:
        return None
    basic = _basic(authorization)
    if basic is None:
        return _unreadable()
    if "client_secret" in named:
        return refusal("invalid_request", "The client must authenticate in one way")
    if named.get("client_id", basic) != basic:
        return refusal("invalid_request", "The client_id is not the one that authenticates")
    return None


def app_id_in(parameters: Parameters, authorization: str) -> int:
    """Of the app that the request says it comes from; 0 when there is none. The request was not `refused`."""
    named = (_basic(authorization) or "") if authorization else dict(parameters).get("client_id", "")
    return app_id_of(named)


def _basic(authorization: str) -> str | None:
    try:
        client_id, secret = extract_basic_authorization({"Authorization": authorization})
    except ValueError:  # not UTF-8
        return None
    return client_id if client_id and secret and _plain(client_id + secret) else None


def _unreadable() -> Answer:
    answer = refusal("invalid_client", "The Authorization header is not of HTTP Basic", 401)
    return Answer(answer.status, answer.body, {"WWW-Authenticate": 'Basic realm="heliograph"'})


def _plain(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)
