"""Home feeds: built anew, and compared with their definition."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer
from kit.errors import InvalidArgument

from helio.calls import Operator
from helio.commands.rebuild import feed as rebuild_feeds
from helio.output import Json, Output
from helio.running import REFUSED, run

feeds = typer.Typer(no_args_is_help=True, help="Home feeds: build them anew, compare them with truth.")
feeds.command("rebuild")(rebuild_feeds)

_SHOWN = 20


@dataclass
class Findings:
    """`wrong` names accounts, with the posts that are missing and those that are too many."""

    feeds: int = 0
    posts: int = 0
    wrong: list[dict[str, object]] = field(default_factory=list[dict[str, object]])


@feeds.command("verify")
def verify(
    user: Annotated[str, typer.Option(help="One account: an id, a username or an e-mail address.")] = "",
    sample: Annotated[int, typer.Option(min=1, help="So many accounts, chosen at random.")] = 100,
    everybody: Annotated[bool, typer.Option("--all", help="All accounts.")] = False,
    seed: Annotated[int, typer.Option(help="Choose the same accounts again.")] = 0,
    as_json: Json = False,
) -> None:
    """Compares whole feeds as they are served with what their definition says, post by post, while all goes on.
    Ends with 1 when a feed lacks a post or shows one too many; `helio feed rebuild --user` puts it right."""

    async def body(operator: Operator) -> None:
        if user and everybody:
            raise InvalidArgument("INVALID_FIELD", "give either --user or --all")
        chosen_by = seed or random.SystemRandom().randrange(1, 1 << 31)
        ids = await _chosen(operator, user, sample if not everybody else None, chosen_by)
        output, findings = Output(as_json=as_json), Findings()
        for one in ids:
            await _compare(operator, one, findings)
            output.progress(
                f"{findings.feeds} of {len(ids)} feeds, {findings.posts} posts, {len(findings.wrong)} wrong"
            )
        output.done()
        told = {"feeds": findings.feeds, "posts": findings.posts, "wrong": len(findings.wrong), "seed": chosen_by}
        output.one({**told, **({"feeds_wrong": findings.wrong[:_SHOWN]} if findings.wrong else {})})
        if findings.wrong:
            raise typer.Exit(REFUSED)

    run(body)


async def _chosen(operator: Operator, user: str, sample: int | None, seed: int) -> Sequence[int]:
    """Ids. The sample is drawn as the ids come: how many accounts there are need not be known before."""
    if user:
        return [(await operator.find(user)).account.profile.id]
    drawn: list[int] = []
    draw = random.Random(seed)  # noqa: S311 nothing secret
    number = 0
    async for one in operator.everybody():
        number += 1
        if sample is None or len(drawn) < sample:
            drawn.append(one)
        elif (place := draw.randrange(number)) < sample:
            drawn[place] = one
    return drawn


async def _compare(operator: Operator, user_id: int, findings: Findings) -> None:
    missing: list[int] = []
    extra: list[int] = []
    async for step in operator.verify("feed", "timeline", user_id=user_id):
        findings.posts += step.checked
        missing += step.missing_ids
        extra += step.extra_ids
    findings.feeds += 1
    if missing or extra:
        told: dict[str, object] = {"user": str(user_id)}
        told |= {"missing": [str(one) for one in missing], "extra": [str(one) for one in extra]}
        findings.wrong.append(told)
