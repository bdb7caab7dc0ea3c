"""The least that a feed could cost: a Starlette route that answers the same bytes to everybody.

`python -m bench.home.static PORT FILE`
"""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(body: bytes) -> Starlette:
    async def home(_: Request) -> Response:
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/v1/me/feed", home)])


if __name__ == "__main__":
    port, file = sys.argv[1:]
    app = application(Path(file).read_bytes())
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning")
