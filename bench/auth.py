"""What signing in costs: `make bench-auth`.

Runs the user service and a gateway as they are deployed, with the default cost of passwords, and measures

- argon2id alone, on one thread, as the reference for log-ins
- log-ins and refreshes a second, and the CPU of both processes for one
- the check of an access token in the gateway, known and new, against a bare Ed25519 verification
- the calls that the gateway makes for checking tokens: those of its polls and no other
"""

import asyncio
import itertools
import secrets
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import httpx
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from devstack.testing import Stack
from gateway.auth import Authenticator
from gateway.keys import Keys
from gateway.revocations import Revocations
from heliograph.user.v1.user_pb2 import ListRevocationsRequest, ListRevocationsResponse
from prometheus_client.parser import text_string_to_metric_families
from user_service.model.keys import TokenRules
from user_service.service.tokens import AccessTokens
from user_service.settings import UserSettings
from user_service.store.keys import KeyFolder

from bench.measure import Result, cpu_seconds, repeated, report, result

RUNS = 5
SECONDS = 4.0
AT_ONCE = 8
PEOPLE = 64
CHECKS = 2_000
PASSWORD = secrets.token_urlsafe(16)
GENEROUS = ",".join(f"{bucket}=1000000/60" for bucket in ("auth.address", "write.address", "read.address"))
PROCESSES = ("user", "gateway")
POLLS = frozenset({"ListRevocations", "GetJwks"})


def main() -> None:
    # Its new name, Ed25519 (RFC 9864), is not yet known to the libraries of many clients.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    environment = {
        "gateway": {"HELIOGRAPH_RATE_LIMITS": GENEROUS},
        "user": {"HELIOGRAPH_ATTEMPT_LIMITS": "register.address=1000000/60,log_in.address=1000000/60"},
    }
    hashing = argon2_ms()
    with Stack(only=PROCESSES, environment=environment) as stack:
        over_http = asyncio.run(signing_in(stack, hashing))
    report("auth", [result("argon2_verify_ms", "ms", hashing), *over_http, *asyncio.run(token_checks())])


def argon2_ms() -> list[float]:
    """CPU of one verification at the default cost, which does not depend on what else the machine does."""
    fields = UserSettings.model_fields
    time_cost, memory, lanes = (
        cast("int", fields[f"password_{name}"].default) for name in ("time_cost", "memory_kib", "parallelism")
    )
    hasher = PasswordHasher(time_cost, memory, lanes)
    hashed = hasher.hash(PASSWORD)

    def one() -> float:
        start = time.process_time()
        for _ in range(10):
            hasher.verify(hashed, PASSWORD)
        return (time.process_time() - start) * 100

    return repeated(RUNS, one)


async def signing_in(stack: Stack, hashing: Sequence[float]) -> list[Result]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as http:
        names = [await register(http) for _ in range(PEOPLE)]
        turns = itertools.cycle(names)
        tokens = [await log_in(http, name) for name in names[:AT_ONCE]]
        spare = asyncio.Queue[str]()
        for token in tokens:
            spare.put_nowait(token["refresh_token"])

        async def login() -> None:
            await log_in(http, next(turns))

        async def refresh() -> None:
            answer = await http.post("/v1/sessions/refresh", json={"refresh_token": await spare.get()})
            spare.put_nowait(answer.raise_for_status().json()["refresh_token"])

        logins = [await load(stack, login) for _ in range(RUNS)]
        refreshes = [await load(stack, refresh) for _ in range(RUNS)]
        calls = await calls_for_checks(stack, http, tokens[0]["access_token"])
    return [
        result("logins_per_second", "1/s", [rate for rate, _ in logins]),
        result("login_cpu_ms", "ms", [cpu for _, cpu in logins], reference="argon2_verify_ms", of=hashing),
        result("refreshes_per_second", "1/s", [rate for rate, _ in refreshes]),
        result("refresh_cpu_ms", "ms", [cpu for _, cpu in refreshes]),
        result("calls_for_token_checks", "calls", [calls]),
    ]


async def register(http: httpx.AsyncClient) -> str:
    name = f"bench_{secrets.token_hex(6)}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "name": "Bench"}
    (await http.post("/v1/accounts", json=body)).raise_for_status()
    return name


async def log_in(http: httpx.AsyncClient, name: str) -> dict[str, Any]:
    answer = await http.post("/v1/sessions", json={"login": name, "password": PASSWORD})
    return answer.raise_for_status().json()


async def load(stack: Stack, once: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """A second's rate with AT_ONCE clients, and the CPU milliseconds of our processes for one."""
    done, end = 0, time.perf_counter() + SECONDS

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await once()
            done += 1

    before, start = cpu_seconds(map(stack.pid, PROCESSES)), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    spent, used = time.perf_counter() - start, cpu_seconds(map(stack.pid, PROCESSES)) - before
    return done / spent, used / done * 1000


async def calls_for_checks(stack: Stack, http: httpx.AsyncClient, token: str) -> float:
    """Calls of the gateway, its polls left out, while it checks tokens for requests that go no further."""
    before = await calls_made(stack, http)
    for _ in range(200):
        answer = await http.get("/v1/relationships?ids=x", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 422:
            raise SystemExit(f"a request that only needs a token was answered {answer.status_code}")
    return await calls_made(stack, http) - before


async def calls_made(stack: Stack, http: httpx.AsyncClient) -> float:
    text = (await http.get(f"{stack.ops_url('gateway')}/metrics")).raise_for_status().text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(
        sample.value
        for sample in samples
        if sample.name == "heliograph_rpc_client_seconds_count"
        and sample.labels["method"].rpartition("/")[2] not in POLLS
    )


async def token_checks() -> list[Result]:
    """Microseconds of one check, in this process."""
    with TemporaryDirectory() as folder:
        keys = KeyFolder(Path(folder))
        keys.create(lambda: datetime.now(UTC))
        tokens = AccessTokens(keys, TokenRules(timedelta(minutes=15), timedelta(0)))
        issued = (f"Bearer {token}" for token in fresh(tokens))
        authenticator = await checker(tokens)
        known = next(issued)
        cold = [await micros(lambda: authenticator.viewer(next(issued))) for _ in range(RUNS)]
        warm = [await micros(lambda: authenticator.viewer(known)) for _ in range(RUNS)]
    bare = repeated(RUNS, ed25519_us)
    reference = "ed25519_verify_us"
    return [
        result(reference, "us", bare),
        result("token_check_new_us", "us", cold, reference=reference, of=bare),
        result("token_check_known_us", "us", warm, reference=reference, of=bare),
    ]


def fresh(tokens: AccessTokens) -> Iterator[str]:
    made = [tokens.issue(user_id=1, session_id=2, now=datetime.now(UTC)) for _ in range(CHECKS * RUNS + 1)]
    return iter(made)


async def checker(tokens: AccessTokens) -> Authenticator:
    """As the gateway has it, with nobody logged out."""

    async def jwks() -> str:
        return tokens.jwks()

    async def none_revoked(_: ListRevocationsRequest) -> ListRevocationsResponse:
        return ListRevocationsResponse()

    revocations = Revocations(none_revoked)
    await revocations.refresh()
    return Authenticator(Keys(jwks), revocations)


async def micros(check: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    for _ in range(CHECKS):
        await check()
    return (time.perf_counter() - start) / CHECKS * 1e6


def ed25519_us() -> float:
    key = Ed25519PrivateKey.generate()
    message = secrets.token_bytes(300)
    signature, public = key.sign(message), key.public_key()
    start = time.perf_counter()
    for _ in range(CHECKS):
        public.verify(signature, message)
    return (time.perf_counter() - start) / CHECKS * 1e6


if __name__ == "__main__":
    main()
