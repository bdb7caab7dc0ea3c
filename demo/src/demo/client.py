"""A small REST client that behaves as a good one should: idempotency keys, retries, problems as exceptions."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx

Json = dict[str, Any]

RETRY_STATUS = frozenset({429, 502, 503, 504})
PATIENCE_SECONDS = 45.0


class ProblemError(Exception):
    """An answer that says no: RFC 9457 problem details."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('title', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


class Client:
    """One person's connection to the API.

    A request that meets a dead process or a busy server is repeated for up to 45 seconds; every POST carries an
    Idempotency-Key, so a repeat cannot act twice.
    """

    def __init__(self, base_url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=10.0)
        self._sleep = sleep
        self._headers: dict[str, str] = {}

    def close(self) -> None:
        self._http.close()

    def authorize(self, access_token: str) -> None:
        self._headers["Authorization"] = f"Bearer {access_token}"

    def get(self, path: str, **params: str | int) -> Json:
        return self._request("GET", path, params=params)

    def put(self, path: str) -> Json:
        return self._request("PUT", path)

    def post(self, path: str, body: Json | None = None, *, keyed: bool = True) -> Json:
        headers = {"Idempotency-Key": str(uuid.uuid4())} if keyed else {}
        return self._request("POST", path, body=body, headers=headers)

    def fetch(self, url: str) -> httpx.Response:
        """Bytes of a public or signed URL, without this person's token."""
        return self._persist(lambda: httpx.get(url, timeout=10.0))

    def upload(self, target: Json, data: bytes) -> None:
        """Send the bytes straight to storage, as the presigned target says."""

        def send() -> httpx.Response:
            if target["method"] == "POST":
                return httpx.post(target["url"], data=target.get("fields", {}), files={"file": data}, timeout=30.0)
            return httpx.put(target["url"], headers=target.get("headers", {}), content=data, timeout=30.0)

        self._persist(send)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        sent = {**self._headers, **(headers or {})}
        answer = self._persist(lambda: self._http.request(method, path, params=params, json=body, headers=sent))
        return answer.json() if answer.content else {}

    def _persist(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = send()
            except httpx.TransportError:
                if time.monotonic() > end:
                    raise
                self._sleep(0.25)
                continue
            if answer.is_success or answer.status_code == 304:
                return answer
            if not _worth_repeating(answer) or time.monotonic() > end:
                raise ProblemError(answer.status_code, _problem_of(answer))
            self._sleep(min(float(answer.headers.get("Retry-After", "0.25")), 2.0))


def _worth_repeating(answer: httpx.Response) -> bool:
    in_flight = answer.status_code == 409 and _problem_of(answer).get("reason") == "IDEMPOTENCY_KEY_IN_FLIGHT"
    return answer.status_code in RETRY_STATUS or in_flight


def _problem_of(answer: httpx.Response) -> Json:
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return answer.json()
    return {"title": "not a problem document", "detail": answer.text[:200]}
