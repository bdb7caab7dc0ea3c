"""The audit trail."""

from typing import Annotated, Any

import typer
from heliograph.user.v1 import admin_pb2 as admin
from kit.proto import datetime_of

from helio.calls import Operator
from helio.output import Json, Output
from helio.running import run


def audit(
    about: Annotated[str, typer.Option(help="An account's id, username or e-mail address.")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 50,
    as_json: Json = False,
) -> None:
    """What administrators and operators did, newest first."""

    async def body(operator: Operator) -> None:
        user_id = (await operator.find(about)).account.profile.id if about else 0
        stub, entries, token = await operator.admin(), list[dict[str, Any]](), ""
        while len(entries) < most:
            size = min(most - len(entries), 100)
            page = await stub.ListAudit(
                admin.ListAuditRequest(actor=operator.actor, user_id=user_id, page_size=size, page_token=token)
            )
            entries += map(_row, page.entries)
            token = page.next_page_token
            if not token:
                break
        Output(as_json=as_json).many(entries)

    run(body)


def _row(entry: admin.AuditEntry) -> dict[str, Any]:
    return {
        "at": datetime_of(entry.created_at).isoformat(timespec="seconds"),
        "actor": entry.actor,
        "action": entry.action,
        "about": str(entry.user_id) if entry.user_id else None,
        "reason": entry.reason,
        "address": entry.address,
        "details": dict(entry.details),
    }
