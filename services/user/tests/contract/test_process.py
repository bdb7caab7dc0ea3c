import asyncio
import json
import os
import stat
import sys
from asyncio import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM

from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.client import channel
from kit.testing import MakeDatabase


async def start(command: str, **settings: str) -> subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")}
    named = {f"HELIOGRAPH_{name.upper()}": value for name, value in settings.items()}
    arguments = [sys.executable, "-m", "user_service", *command.split()]
    return await subprocess.create_subprocess_exec(
        *arguments, env={**clean, **named}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def finish(command: str, **settings: str) -> tuple[int | None, str]:
    process = await start(command, **settings)
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_keys_makes_one_key_and_no_second(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert await finish("keys", token_keys_dir=str(folder)) == (0, "")
    assert await finish(f"keys --dir {folder}") == (0, "")
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["crv"] == "Ed25519"


async def test_without_a_key_it_does_not_start_and_says_why(tmp_path: Path) -> None:
    status, errors = await finish(
        "serve",
        listen="127.0.0.1:0",
        postgres_dsn="postgresql://127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        kafka_bootstrap="127.0.0.1:1",
        s3_endpoint="http://127.0.0.1:1",
        s3_bucket="none",
        s3_region="none",
        s3_access_key="none",
        s3_secret_key="none",
        token_keys_dir=str(tmp_path),
        factor_keys="k" * 32,
    )
    assert (status, len(errors.splitlines())) == (78, 1)
    assert "HELIOGRAPH_TOKEN_KEYS_DIR" in errors


@asynccontextmanager
async def serving(**settings: str) -> AsyncGenerator[tuple[subprocess.Process, int]]:
    """The process and its port."""
    process = await start("serve", listen="127.0.0.1:0", **settings)
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            async for line in process.stdout:
                if (said := json.loads(line))["event"] == "serving":
                    yield process, said["port"]
                    break
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_migrates_serves_and_stops_when_told(
    make_database: MakeDatabase, servers: dict[str, str], redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    dsn, keys = await make_database(), str(tmp_path / "keys")
    for _ in range(2):
        assert (await finish("migrate", postgres_dsn=dsn))[0] == 0
    await finish("keys", token_keys_dir=keys)
    reached = ("kafka_bootstrap", "s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key")
    places = {name: servers[f"HELIOGRAPH_{name.upper()}"] for name in reached}
    places |= {"postgres_dsn": dsn, "redis_url": redis_url, "topic_prefix": topic_prefix, "s3_bucket": "unused"}
    places["factor_keys"] = "k" * 32
    async with serving(token_keys_dir=keys, **places) as (process, port):
        async with channel(f"127.0.0.1:{port}", service="user") as to_user:
            users = UserServiceStub(to_user)
            assert len(json.loads((await users.GetJwks(pb.GetJwksRequest())).jwks_json)["keys"]) == 1
            request = pb.RegisterAccountRequest(username="anna", email="a@example.org", password="correct horse")
            assert (await users.RegisterAccount(request)).account.profile.id
        process.send_signal(SIGTERM)
        await process.communicate()
        assert process.returncode == 0
