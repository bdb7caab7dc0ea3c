"""Views built anew from truth, step by step, while they are in use."""

import time
from collections.abc import AsyncIterator
from typing import Annotated

import typer
from heliograph.upkeep.v1.upkeep_pb2 import RebuildResponse
from kit.errors import InvalidArgument

from helio.calls import Operator
from helio.output import Json, Output
from helio.running import run

rebuild = typer.Typer(no_args_is_help=True, help="Build views anew from truth. Everything goes on being served.")
Why = Annotated[str, typer.Option("--reason", "-r", help="Why: kept in the audit trail.")]
_ROUTINE = "rebuild by an operator"


@rebuild.command("feed")
def feed(
    user: Annotated[str, typer.Option(help="One account: an id, a username or an e-mail address.")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="All accounts.")] = False,
    reason: Why = _ROUTINE,
    as_json: Json = False,
) -> None:
    """Home timelines, of one account or of all."""

    async def body(operator: Operator) -> None:
        if bool(user) == everybody:
            raise InvalidArgument("INVALID_FIELD", "give either --user or --all")
        user_id = (await operator.find(user)).account.profile.id if user else 0
        await operator.record("feed.rebuild", reason, user_id=user_id)
        await _drive(_timelines(operator, user_id), Output(as_json=as_json))

    run(body)


@rebuild.command("search")
def search(reason: Why = _ROUTINE, as_json: Json = False) -> None:
    """The index of accounts and of posts: new ones are filled, then take the place of the old."""

    async def body(operator: Operator) -> None:
        await operator.record("search.rebuild", reason)
        await _drive(_joined(operator, ("search", "users"), ("search", "posts")), Output(as_json=as_json))

    run(body)


@rebuild.command("counters")
def counters(reason: Why = _ROUTINE, as_json: Json = False) -> None:
    """Counts of likes, comments, followers: all are compared with their rows, and put right within seconds."""

    async def body(operator: Operator) -> None:
        await operator.record("counters.rebuild", reason)
        await _drive(_joined(operator, ("post", "counts"), ("graph", "counts")), Output(as_json=as_json))

    run(body)


Steps = AsyncIterator[tuple[str, RebuildResponse]]


async def _timelines(operator: Operator, user_id: int) -> Steps:
    async def ids() -> AsyncIterator[int]:
        if user_id:
            yield user_id
            return
        async for found in operator.everybody():
            yield found

    async for one in ids():
        async for step in operator.rebuild("feed", "timeline", user_id=one):
            yield "timelines", step


async def _joined(operator: Operator, *views: tuple[str, str]) -> Steps:
    for service, view in views:
        async for step in operator.rebuild(service, view):
            yield f"{service} {view}", step


async def _drive(steps: Steps, output: Output) -> None:
    """Shows how far it is, and sums up at the end."""
    totals: dict[str, int] = {}
    taken, began = 0, time.monotonic()
    async for name, step in steps:
        totals[name] = totals.get(name, 0) + step.done
        taken += 1
        output.progress(f"{name}: {totals[name]} ({step.phase}), step {taken}, {time.monotonic() - began:.0f} s")
    output.done()
    output.one({**totals, "steps": taken, "seconds": round(time.monotonic() - began, 1)})
