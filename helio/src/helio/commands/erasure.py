"""What is left of an account that was erased."""

import asyncio
import importlib.util
import sys
from typing import Annotated

import typer
from kit.errors import FailedPrecondition

from helio.calls import Operator
from helio.output import Reason
from helio.running import run

erasure = typer.Typer(no_args_is_help=True, help="What is left of an account that was erased.")


@erasure.command("check")
def check(
    user: Annotated[str, typer.Argument(help="The account's id, or its username while it has one.")],
    reason: Reason,
    also: Annotated[list[str] | None, typer.Option(help="A name or address of before, to look for too.")] = None,
) -> None:
    """Looks into every store, as `make erasure-check` does; exits 1 when something is left. It needs the stores'
    addresses and secrets, so it runs where they are."""

    async def body(operator: Operator) -> None:
        if importlib.util.find_spec("devstack") is None:
            raise FailedPrecondition("STORES_ELSEWHERE", "the stores' tools are not here: use the image of devstack")
        await operator.record("erasure.check", reason, details={"user": user})
        options = [part for name in also or () for part in ("--also", name)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "devstack", "erasure-check", user, *options
        )
        if await process.wait():
            raise FailedPrecondition("SOMETHING_LEFT", f"something of {user} is left, or a store could not be asked")

    run(body)
