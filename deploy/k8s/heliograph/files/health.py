"""What `helm test` runs, in the gateway's image: both gateways answer, and every service says that it can serve.

Services are asked as the gateway asks them: over mutual TLS, with its certificate, where HELIOGRAPH_TLS_DIR is set.
"""

import asyncio
import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from kit.client import channel
from kit.errors import DomainError

SERVICES = ("user", "graph", "post", "feed", "notify", "search")


async def main() -> None:
    folder = os.environ.get("HELIOGRAPH_TLS_DIR")
    tls = Path(folder) if folder else None
    faults = [fault for address in sys.argv[1:] if (fault := await asyncio.to_thread(gateway, address))]
    faults += [fault for name in SERVICES if (fault := await service(name, tls))]
    sys.exit("\n".join(faults) if faults else 0)


def gateway(address: str) -> str | None:
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{address}: {error}"
    finally:
        connection.close()
    sys.stdout.write(f"{address}: {status}\n")
    return None if status == HTTPStatus.OK else f"{address}: {status}"


async def service(name: str, tls: Path | None) -> str | None:
    target = os.environ[f"HELIOGRAPH_{name.upper()}_TARGET"]
    try:
        async with channel(target, service=name, caller="gateway", seconds=10, tls=tls) as calls:
            said = await HealthStub(calls).Check(HealthCheckRequest())
    except DomainError as error:
        return f"{name} at {target}: {error}"
    status = HealthCheckResponse.ServingStatus.Name(said.status)
    sys.stdout.write(f"{name} at {target}: {status}\n")
    return None if said.status == HealthCheckResponse.SERVING else f"{name} at {target}: {status}"


asyncio.run(main())
