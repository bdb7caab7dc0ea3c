"""`python -m gateway` serves the API; `python -m gateway openapi [--check]` writes or checks openapi.json."""

import argparse
import sys
import time
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from heliograph.user.v1.user_pb2 import GetJwksRequest
from kit import process, server, settings, telemetry
from kit.hotredis import open_hot_redis
from kit.limits import Limiter
from kit.paging import Cursors
from kit.redis import open_redis
from kit.s3 import open_bucket
from rendering.media_urls import MediaUrls

from gateway import drift, serve
from gateway.app import build
from gateway.auth import Authenticator
from gateway.clients import open_services
from gateway.here import Parts
from gateway.idempotency import Records
from gateway.keys import Keys
from gateway.limits import FALLBACKS
from gateway.notes import Notes
from gateway.render import Render
from gateway.revocations import Revocations
from gateway.settings import GatewaySettings


@asynccontextmanager
async def assemble(config: GatewaySettings) -> AsyncGenerator[Parts]:
    async with (
        open_services(config) as services,
        open_redis(config) as redis,
        open_hot_redis(config) as hot_redis,
        open_bucket(config) as bucket,
    ):

        async def fetch_keys() -> str:
            return (await services.user.GetJwks(GetJwksRequest())).jwks_json

        keys, revocations = Keys(fetch_keys), Revocations(services.user.ListRevocations)
        urls = MediaUrls(config.media_base_url, config.media_url_key.get_secret_value().encode(), time.time)
        yield Parts(
            settings=config,
            services=services,
            bucket=bucket,
            keys=keys,
            revocations=revocations,
            authenticator=Authenticator(keys, revocations),
            limiter=Limiter(hot_redis, FALLBACKS.inc),
            records=Records(redis, config.cursor_key.get_secret_value().encode()),
            cursors=Cursors(config.cursor_key.get_secret_value().encode()),
            urls=urls,
            render=Render(urls),
            notes=Notes(services.feed.NoteChange),
        )


async def main() -> None:
    # Our tokens say EdDSA, which every library knows; its successor name (RFC 9864) few do.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    config = settings.load(GatewaySettings)
    telemetry.configure(config, "gateway")
    listener = serve.listen(config.listen)
    async with assemble(config) as parts:
        http = serve.HttpServer(build(parts), listener, config)
        checks = {"keys": parts.keys.check, "revocations": parts.revocations.check}
        await server.work(config, "gateway", checks=checks, tasks=[parts.revocations.run, http.run])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="gateway")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("openapi").add_argument("--check", action="store_true")
    asked = parser.parse_args()
    if asked.command == "openapi":
        sys.exit(drift.run(check=asked.check))
    process.run(main)
