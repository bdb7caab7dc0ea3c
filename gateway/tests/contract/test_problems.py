"""Every failure is a problem document, whatever was sent."""

from typing import Any

import httpx
import pytest
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2
from kit import errors, telemetry
from kit.errors import DomainError, FieldViolation

JSON = {"Content-Type": "application/json"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_an_unknown_route_is_not_found(anonymous: Client, refused: Refused):
    refused(await anonymous.get("/v1/nothing"), 404, "NOT_FOUND")


async def test_a_wrong_method_names_all_that_the_path_allows(ada: Client, refused: Refused):
    response = await ada.put("/v1/posts/1")
    refused(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "DELETE, GET, HEAD, PATCH"


async def test_the_instance_is_a_uri_whatever_the_path_holds(anonymous: Client, refused: Refused):
    problem = refused(await anonymous.get("/v1/users/a%00%22%C3%A9"), 404, "NOT_FOUND")
    assert problem["instance"] == "/v1/users/a%00%22%C3%A9"


@pytest.mark.parametrize("path", ["/v1/posts/abc", "/v1/posts/0", "/v1/posts/01", "/v1/posts/9223372036854775808"])
async def test_a_path_that_holds_no_id_is_not_found(anonymous: Client, refused: Refused, path: str):
    refused(await anonymous.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "application/json+x", "application/"])
async def test_a_body_that_is_not_said_to_be_json_is_unsupported(ada: Client, refused: Refused, content_type: str):
    refused(
        await ada.post("/v1/posts", content=b"{}", headers={"Content-Type": content_type}),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"text":"\xff"}',
        b'{"text":"\\ud800"}',
        b'{"text":NaN}',
        b"[" * 100_000,
        b'{"text":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"text":1e99999}',
        b"{} {}",
    ],
)
async def test_broken_json_is_a_bad_request(ada: Client, refused: Refused, body: bytes):
    refused(await ada.post("/v1/posts/1/comments", content=body, headers=JSON), 400, "BAD_JSON")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": 1}, "/text"),
        ({"text": None}, "/text"),
        ({}, "/text"),
        ({"text": "a\x00b"}, "/text"),
        ({"text": "x", "extra": 1}, "/extra"),
        ({"text": "x", "a/b~c": 1}, "/a~1b~0c"),
        ({"text": "x", "reply_to": 5}, "/reply_to"),
        ({"text": "x", "reply_to": "9" * 400}, "/reply_to"),
        ([], ""),
        ("x", ""),
    ],
)
async def test_a_bad_field_is_pointed_to(ada: Client, refused: Refused, body: Any, pointer: str):
    problem = refused(await ada.post("/v1/posts/1/comments", json=body), 422, "INVALID_FIELD")
    assert pointer in [fault["pointer"] for fault in problem["errors"]]
    assert all(fault["reason"] for fault in problem["errors"])


async def test_all_bad_fields_are_told_at_once(ada: Client, refused: Refused):
    body = {"media_ids": ["x", 5], "audience": "everyone", "location": {"name": "a", "lat": 91, "lon": 10**400}, "a": 1}
    problem = refused(await ada.post("/v1/posts", json=body), 422, "INVALID_FIELD")
    pointers = {fault["pointer"] for fault in problem["errors"]}
    assert pointers == {"/media_ids/0", "/media_ids/1", "/audience", "/location/lat", "/location/lon", "/a"}


async def test_a_body_announced_too_large_is_refused_before_it_is_read(ada: Client, refused: Refused):
    body = b'"' + b"x" * (1 << 20) + b'"'
    refused(await ada.post("/v1/posts", content=body, headers=JSON), 413, "BODY_TOO_LARGE")


async def test_a_body_that_grows_too_large_is_cut_off(ada: Client, refused: Refused):
    sent = 0

    async def body():
        nonlocal sent
        for _ in range(1000):
            sent += 64 * 1024
            yield b"x" * 64 * 1024

    refused(await ada.post("/v1/posts", content=body(), headers=JSON), 413, "BODY_TOO_LARGE")
    assert sent < 20 << 20  # a little is read on, so that the sender hears the answer


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidArgument("INVALID_FIELD", "no"), 422),
        (errors.InvalidArgument("BAD_PAGE_TOKEN", "no"), 400),
        (errors.Unauthenticated("BAD_CREDENTIALS", "no"), 401),
        (errors.PermissionDenied("NOT_YOURS", "no"), 403),
        (errors.NotFound("POST_NOT_FOUND", "no"), 404),
        (errors.AlreadyExists("USERNAME_TAKEN", "no"), 409),
        (errors.Aborted("REFRESH_IN_PROGRESS", "no"), 409),
        (errors.Aborted("ETAG_MISMATCH", "no"), 412),
        (errors.FailedPrecondition("MEDIA_NOT_UPLOADED", "no"), 409),
        (errors.FailedPrecondition("BLOCKED_BY_VIEWER", "no"), 422),
        (errors.ResourceExhausted("QUOTA", "no"), 429),
        (errors.Unavailable("POSTGRES_UNAVAILABLE", "no", retry_after=3), 503),
        (errors.DeadlineExceeded("DEADLINE_EXCEEDED", "no"), 504),
        (errors.Internal("INTERNAL", "no"), 500),
    ],
)
async def test_what_a_service_refuses_keeps_its_reason(
    ada: Client, world: World, refused: Refused, error: DomainError, status: int
):
    world.post.answer("GetPost", error)
    response = await ada.get("/v1/posts/1")
    refused(response, status, error.reason)
    assert ("retry-after" in response.headers) == (status in (429, 503))
    assert ("www-authenticate" in response.headers) == (status == 401)


async def test_faulty_fields_of_a_service_are_passed_on(anonymous: Client, world: World, refused: Refused):
    taken = errors.AlreadyExists("USERNAME_TAKEN", "taken", fields=[FieldViolation("/username", "taken")])
    world.user.answer("RegisterAccount", taken)
    body = {"username": "ada", "email": "ada@example.org", "password": "x"}
    problem = refused(await anonymous.post("/v1/accounts", json=body), 409, "USERNAME_TAKEN")
    assert problem["errors"] == [{"pointer": "/username", "reason": "taken"}]


async def test_a_bug_in_a_service_is_not_told(ada: Client, world: World, refused: Refused):
    world.post.answer("GetPost", lambda _: 1 / 0)
    assert "division" not in (await ada.get("/v1/posts/1")).text
    refused(await ada.get("/v1/posts/1"), 500, "INTERNAL")


async def test_a_bug_of_our_own_is_not_told(ada: Client, world: World, refused: Refused):
    unknown_kind = post_pb2.Media(id=1, kind=99)  # type: ignore[arg-type]
    world.post.answer("GetMedia", post_pb2.GetMediaResponse(media=unknown_kind))
    response = await ada.get("/v1/media/1")
    refused(response, 500, "INTERNAL")
    assert "KeyError" not in response.text


async def test_the_trace_is_the_callers_own(anonymous: Client, refused: Refused):
    response = await anonymous.get("/nope", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert refused(response, 404, "NOT_FOUND")["trace_id"] == TRACE
    assert response.headers["traceparent"].split("-")[1] == TRACE


@pytest.mark.parametrize("traceparent", ["", "x", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "é"])
async def test_a_broken_traceparent_starts_a_new_trace(anonymous: Client, refused: Refused, traceparent: str):
    response = await anonymous.get("/nope", headers=[(b"traceparent", traceparent.encode())])
    assert refused(response, 404, "NOT_FOUND")["trace_id"] != "0" * 32


async def test_the_callers_trace_reaches_the_services(ada: Client, world: World):
    seen: list[str | None] = []

    def look(_: object) -> post_pb2.GetPostResponse:
        seen.append(telemetry.trace_id())
        return post_pb2.GetPostResponse(post=world.post_of(1))

    world.post.answer("GetPost", look)
    await ada.get("/v1/posts/1", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert seen == [TRACE]


async def test_a_request_id_comes_back(anonymous: Client):
    response = await anonymous.get("/healthz", headers={"X-Request-Id": "abc-123"})
    assert response.headers["x-request-id"] == "abc-123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, "a\tb"])
async def test_a_request_id_that_logs_cannot_hold_is_replaced(anonymous: Client, given: str):
    response = await anonymous.get("/healthz", headers={"X-Request-Id": given})
    assert len(response.headers["x-request-id"]) == 32


async def test_security_headers_are_on_every_answer(anonymous: Client):
    for path in ("/healthz", "/nope", "/v1/me", "/docs"):
        headers = (await anonymous.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"].startswith("max-age=")
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_a_header_that_may_come_once_may_not_come_twice(anonymous: Client, refused: Refused):
    headers = httpx.Headers([("Authorization", "Bearer a"), ("Authorization", "Bearer b")])
    refused(await anonymous.get("/v1/me", headers=headers), 400, "BAD_HEADER")


async def test_head_is_get_without_the_body(ada: Client, world: World):
    world.post.answer("GetPost", post_pb2.GetPostResponse(post=world.post_of(1)))
    got, head = await ada.get("/v1/posts/1"), await ada.head("/v1/posts/1")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["etag"] == got.headers["etag"]


async def test_too_many_requests_at_once_are_told_to_come_back(world: World, refused: Refused):
    app, _ = await world.gateway(max_concurrent_calls=1)
    client = await world.client(app, world.token())
    inner: list[httpx.Response] = []

    async def slow():
        inner.append(await client.get("/healthz"))
        yield b"{}"

    await client.post("/v1/posts", content=slow(), headers=JSON)
    refused(inner[0], 503, "OVERLOADED")
    assert inner[0].headers["retry-after"] == "1"


async def test_a_length_of_thousands_of_digits_is_a_number_still(ada: Client, refused: Refused):
    headers = {"Content-Type": "application/json", "Content-Length": "0" * 5000 + "2"}
    refused(await ada.post("/v1/posts", content=b"{}", headers=headers), 422, "INVALID_FIELD")
    headers["Content-Length"] = "9" * 5000
    refused(await ada.post("/v1/posts", content=b"{}", headers=headers), 413, "BODY_TOO_LARGE")


async def test_a_body_of_thousands_of_values_is_refused_before_each_is_looked_at(ada: Client, refused: Refused):
    refused(await ada.post("/v1/posts", json={f"k{n}": 1 for n in range(3000)}), 400, "BAD_JSON")
    refused(await ada.post("/v1/posts", json={"media_ids": [[1] * 100] * 30}), 400, "BAD_JSON")


async def test_no_more_than_a_hundred_faults_are_told(ada: Client, refused: Refused):
    problem = refused(await ada.post("/v1/posts", json={f"k{n}": 1 for n in range(300)}), 422, "INVALID_FIELD")
    assert len(problem["errors"]) == 100
