"""Dead letters: events that a consumer gave up."""

from typing import Annotated, Any

import typer
from kit import deadletters
from kit.errors import FailedPrecondition
from kit.settings import KafkaSettings, read

from helio.calls import Operator
from helio.output import Json, Output, Reason
from helio.running import run

letters = typer.Typer(no_args_is_help=True, help="Dead letters: events that a consumer gave up.")
Topic = Annotated[str, typer.Option(help="The events' topic, such as post.v1")]
Group = Annotated[str, typer.Option(help="The group that gave up, such as post.counters")]


@letters.command("list")
def list_(topic: Topic, group: Group, as_json: Json = False) -> None:
    """All that are kept, those replayed too."""

    async def body(operator: Operator) -> None:
        found = await deadletters.letters(_settings(operator), topic, group)
        rows: list[dict[str, Any]] = [
            {
                "offset": letter.offset,
                "id": letter.id,
                "type": letter.type,
                "key": letter.key,
                "at": letter.header("dead_at"),
                "reason": letter.header("dead_reason"),
            }
            for letter in found
        ]
        Output(as_json=as_json).many(rows)

    run(body)


@letters.command("replay")
def replay(topic: Topic, group: Group, reason: Reason, as_json: Json = False) -> None:
    """Sends back what was not replayed before, to this group alone."""

    async def body(operator: Operator) -> None:
        settings = _settings(operator)
        await operator.record("letters.replay", reason, details={"topic": topic, "group": group})
        Output(as_json=as_json).one({"replayed": await deadletters.replay(settings, topic, group)})

    run(body)


def _settings(operator: Operator) -> KafkaSettings:
    site = operator.site
    if not site.kafka:
        raise FailedPrecondition("NO_KAFKA", "HELIOGRAPH_KAFKA_BOOTSTRAP is missing: host:port of Kafka")
    return read(KafkaSettings, kafka_bootstrap=site.kafka, topic_prefix=site.topic_prefix)
