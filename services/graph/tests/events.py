"""What changes told the rest of the world."""

from heliograph.events.v1.graph_events_pb2 import GraphEvent
from kit.postgres import Postgres


async def told(postgres: Postgres) -> list[str]:
    """Names of the events in the outbox, oldest first, with who did it to whom."""
    rows = await postgres.primary.fetch("select payload from outbox order by id")
    return [_line(GraphEvent.FromString(row["payload"])) for row in rows]


def _line(event: GraphEvent) -> str:
    name = event.WhichOneof("event")
    assert name is not None
    body = getattr(event, name)
    actor, target = (getattr(body, field.name) for field in body.DESCRIPTOR.fields[:2])
    return f"{actor} {name} {target}"


async def change_ids(postgres: Postgres) -> list[int]:
    """Ids of the changes in the outbox, oldest first."""
    rows = await postgres.primary.fetch("select payload from outbox order by id")
    events = [GraphEvent.FromString(row["payload"]) for row in rows]
    return [getattr(event, event.WhichOneof("event") or "").change_id for event in events]
