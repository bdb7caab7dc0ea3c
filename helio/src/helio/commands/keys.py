"""Keys that sign access tokens."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from heliograph.user.v1 import user_pb2
from kit.errors import FailedPrecondition

from helio.calls import Operator
from helio.output import Json, Output, Reason
from helio.running import run

keys = typer.Typer(no_args_is_help=True, help="Keys that sign access tokens. Changed where their folder is.")
Folder = Annotated[Path | None, typer.Option("--dir", help="Folder of the keys; the system's own if it is here.")]


@keys.command("list")
def list_(as_json: Json = False) -> None:
    """The keys that the user service publishes."""

    async def body(operator: Operator) -> None:
        answer = await (await operator.users()).GetJwks(user_pb2.GetJwksRequest())
        found: list[dict[str, Any]] = json.loads(answer.jwks_json)["keys"]
        Output(as_json=as_json).many([{name: key.get(name) for name in ("kid", "kty", "crv", "alg")} for key in found])

    run(body)


@keys.command("rotate")
def rotate(reason: Reason, folder: Folder = None, as_json: Json = False) -> None:
    """Makes a new key. It signs once every replica knows it; what older keys signed stays good."""
    _change("rotate", reason, folder, Output(as_json=as_json))


@keys.command("retire")
def retire(kid: str, reason: Reason, folder: Folder = None, as_json: Json = False) -> None:
    """Takes an old key away. Refused while a token that it signed may live."""
    _change("retire", reason, folder, Output(as_json=as_json), kid)


def _change(action: str, reason: str, folder: Path | None, output: Output, *arguments: str) -> None:
    async def body(operator: Operator) -> None:
        place = folder or operator.site.keys
        if place is None or importlib.util.find_spec("user_service") is None:
            raise FailedPrecondition(
                "KEYS_ELSEWHERE",
                f"the keys are not on this machine: run `python -m user_service keys {action}` where they are",
            )
        await operator.record(f"keys.{action}", reason, details={"kid": arguments[0]} if arguments else None)
        command = [sys.executable, "-m", "user_service", "keys", action, *arguments, "--dir", str(place)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        if process.returncode:
            raise FailedPrecondition("KEYS_UNCHANGED", "the keys were not changed")
        output.one({"done": said.decode().strip()})

    run(body)
