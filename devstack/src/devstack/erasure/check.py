"""The whole look, and how it is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from devstack.erasure import bucket, postgres, views
from devstack.erasure.findings import Finding, left
from devstack.erasure.marks import Marks
from devstack.erasure.stores import Stores

NOT_LOOKED_AT = (
    "Kafka is not read: topics forget after 7 days, dead letters after 30, and what is told from them of an erased "
    "account brings nothing back. Backups are not read either."
)


def marks_of(stores: Stores, user: str, also: Sequence[str] = ()) -> Marks:
    """`user` is an id or a username; `also` are texts to look for besides: names of before the erasure."""
    marks = asyncio.run(postgres.resolve(stores.postgres["user"], user))
    return replace(marks, texts=tuple(dict.fromkeys([*marks.texts, *(text.lower() for text in also)])))


def look(stores: Stores, marks: Marks) -> list[Finding]:
    """In every store."""
    known = asyncio.run(postgres.places(stores.postgres))
    return [
        *asyncio.run(postgres.look(stores.postgres, marks)),
        *views.in_cassandra(stores.cassandra, stores.keyspaces, marks),
        *views.in_redis(stores.redis_url, marks),
        *views.in_elasticsearch(stores.elasticsearch_url, stores.index, marks),
        *bucket.look(stores.s3, stores.bucket, known, marks),
    ]


def tell(console: Console, marks: Marks, findings: Sequence[Finding]) -> bool:
    """Whether nothing is left that may not stay."""
    table = Table(box=None, pad_edge=False)
    for column in ("place", "count", "may it stay?"):
        table.add_column(column, justify="right" if column == "count" else "left")
    for finding in sorted(findings, key=lambda each: (bool(each.stays), each.place)):
        table.add_row(finding.place, str(finding.count), finding.stays or "NO")
    console.print(table)
    console.print(NOT_LOOKED_AT)
    if not marks.user_id:
        console.print("No account has this name: only the name was looked for. Give the id to look for all of it.")
    wrong = left(findings)
    console.print(f"{sum(each.count for each in wrong)} left in {len(wrong)} places" if wrong else "nothing is left")
    return not wrong
