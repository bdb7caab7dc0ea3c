"""The edge, by the nginx of this machine, in front of an origin that says what it likes."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.site import Site, make_root
from devstack.supervision import Supervision

from devstack import bringup, edge, machine, ports, readiness

pytestmark = pytest.mark.skipif(edge.program() is None, reason="nginx is not installed here")

BODY = bytes(range(256)) * 40


class Origin(ThreadingHTTPServer):
    """Answers BODY with the caching headers that the path asks for, and remembers who asked what."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.event = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.path == "/v1/stream":
            return self._stream()
        control = {"short": "public, max-age=30", "secret": "private, no-store"}.get(self.path.split("/")[-1])
        self.send_response(200)
        self.send_header("Cache-Control", control or "public, max-age=31536000, immutable")
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
        return None

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, {"size": str(len(body))}))
        self.send_response(204)
        self.end_headers()

    def do_PUT(self) -> None:
        self.do_POST()

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        self.server.event.wait(20)
        self.wfile.write(b"data: second\n\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[Origin, Origin]]:
    api, uploads = Origin(), Origin()
    yield api, uploads
    for origin in (api, uploads):
        origin.shutdown()
        origin.server_close()


@pytest.fixture(scope="module")
def url(origins: tuple[Origin, Origin]) -> Iterator[str]:
    api, uploads = origins
    root = Path(tempfile.mkdtemp(prefix="heliograph-edge."))
    root.chmod(0o755)
    make_root(root)
    chosen = {"edge": ports.free_ports(1)[0], "gateway": api.server_port, "gateway-upload": uploads.server_port}
    site = Site(root, chosen, machine.account(), Path("/java"))
    edge.prepare(site)
    supervision = Supervision(root)
    supervision.start([edge.unit(site)])
    address = f"http://127.0.0.1:{chosen['edge']}"
    try:
        asyncio.run(bringup.start(supervision, "edge", partial(readiness.answers, f"{address}/healthz")))
        yield address
    finally:
        supervision.end()
        shutil.rmtree(root)


def asked(origin: Origin, path: str) -> list[dict[str, str]]:
    return [headers for asked_path, headers in origin.asked if asked_path == path]


def test_the_api_goes_to_one_gateway_and_uploads_and_media_to_the_other(
    url: str, origins: tuple[Origin, Origin]
) -> None:
    api, uploads = origins
    httpx.get(f"{url}/v1/posts/1")
    httpx.post(f"{url}/v1/media/upload", content=b"x" * 3_000_000)
    httpx.put(f"{url}/v1/me/avatar", content=b"x" * 3_000_000)
    httpx.get(f"{url}/media/s/key/secret?exp=1&sig=2")
    assert asked(api, "/v1/posts/1")
    assert asked(uploads, "/v1/media/upload") == [{"size": "3000000"}]
    assert asked(uploads, "/v1/me/avatar") == [{"size": "3000000"}]
    assert asked(uploads, "/media/s/key/secret?exp=1&sig=2")


def test_a_public_file_is_asked_for_once_whatever_its_query(url: str, origins: tuple[Origin, Origin]) -> None:
    answers = [httpx.get(f"{url}/media/p/key/once?v={n}") for n in range(3)]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT", "HIT"]
    assert all(answer.content == BODY for answer in answers)
    assert answers[2].headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len([path for path, _ in origins[1].asked if path.startswith("/media/p/key/once")]) == 1


def test_a_part_of_a_public_file_is_served_from_the_cache(url: str) -> None:
    for kept in ("MISS", "HIT"):
        answer = httpx.get(f"{url}/media/p/key/range", headers={"Range": "bytes=10-19"})
        assert (answer.status_code, answer.content) == (206, BODY[10:20])
        assert answer.headers["x-cache"] == kept


def test_a_known_file_is_not_sent_again(url: str) -> None:
    httpx.get(f"{url}/media/p/key/known")
    assert httpx.get(f"{url}/media/p/key/known", headers={"If-None-Match": '"x"'}).status_code == 304


@pytest.mark.parametrize("path", ["media/p/key/secret", "media/p/key/short", "media/s/key/other?sig=1"])
def test_what_is_private_or_short_lived_is_asked_for_each_time(
    url: str, origins: tuple[Origin, Origin], path: str
) -> None:
    for _ in range(2):
        assert httpx.get(f"{url}/{path}").content == BODY
    assert len(asked(origins[1], f"/{path}")) == 2


def test_credentials_do_not_go_with_a_request_for_a_public_file(url: str, origins: tuple[Origin, Origin]) -> None:
    httpx.get(f"{url}/media/p/key/anonymous", headers={"Authorization": "Bearer x", "Cookie": "a=b"})
    (told,) = asked(origins[1], "/media/p/key/anonymous")
    assert not {"authorization", "cookie"} & set(told)


def test_what_a_client_claims_about_its_address_is_dropped(url: str, origins: tuple[Origin, Origin]) -> None:
    claimed = {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Request-Id": "mine-1"}
    httpx.get(f"{url}/v1/claims", headers=claimed)
    (told,) = asked(origins[0], "/v1/claims")
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert "forwarded" not in told
    assert told["x-request-id"] == "mine-1"


def test_a_request_id_that_could_harm_a_log_is_replaced(url: str, origins: tuple[Origin, Origin]) -> None:
    httpx.get(f"{url}/v1/bad-id", headers={"X-Request-Id": 'a" b'})
    (told,) = asked(origins[0], "/v1/bad-id")
    assert len(told["x-request-id"]) == 32


def test_events_of_a_stream_arrive_at_once(url: str, origins: tuple[Origin, Origin]) -> None:
    with httpx.stream("GET", f"{url}/v1/stream", timeout=10) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: first"
        origins[0].event.set()
        assert [line for line in lines if line] == ["data: second"]


def test_a_body_that_is_too_large_for_the_api_is_refused_as_a_problem(url: str) -> None:
    answer = httpx.post(f"{url}/v1/posts", content=b"x" * 2_000_000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 413


def test_a_gateway_that_is_gone_is_a_problem_that_says_when_to_try_again(
    url: str, origins: tuple[Origin, Origin]
) -> None:
    uploads = origins[1]
    uploads.shutdown()
    uploads.server_close()
    answer = httpx.get(f"{url}/media/s/key/gone")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
