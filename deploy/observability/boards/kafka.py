"""Kafka as our processes see it: outboxes, groups, what was buried. The brokers' own metrics are their operator's."""

from deploy.observability.boards.panels import Board, Panel, Query, Row, Variable
from deploy.observability.boards.queries import largest, quantile, rate

_GROUP = 'group=~"$group"'


def board() -> Board:
    variables = (Variable("group", "heliograph_consumer_lag", "group"),)
    return Board("kafka", "Kafka", "Outboxes, groups, dead letters.", (_outbox(), _groups(), _handling()), variables)


def _outbox() -> Row:
    return Row(
        "Outboxes",
        (
            Panel(
                "Events that wait",
                (Query(largest("heliograph_outbox_depth", "source"), "{{source}}"),),
                "Committed and not yet published. Counted to 100,001.",
            ),
            Panel(
                "Oldest",
                (Query(largest("heliograph_outbox_age_seconds", "source"), "{{source}}"),),
                "Grows while Kafka is away, and empties by itself.",
                unit="s",
                red=30,
            ),
            Panel(
                "Commit to acknowledgement",
                (
                    Query(quantile(0.5, "heliograph_outbox_delay_seconds", "source"), "{{source}} median"),
                    Query(quantile(0.99, "heliograph_outbox_delay_seconds", "source"), "{{source}} 99%"),
                ),
                "What the relay adds to every view's delay.",
                unit="s",
            ),
        ),
    )


def _groups() -> Row:
    return Row(
        "Groups",
        (
            Panel(
                "Lag",
                (Query(f"sum by (group) (heliograph_consumer_lag{{{_GROUP}}})", "{{group}}"),),
                "Events not yet handled.",
            ),
            Panel(
                "Oldest event",
                (Query(largest("heliograph_consumer_age_seconds", "group", _GROUP), "{{group}}"),),
                "A group that stands still shows here first.",
                unit="s",
                red=60,
            ),
            Panel(
                "Event to effect (99%)",
                (Query(quantile(0.99, "heliograph_event_age_seconds", "group", _GROUP), "{{group}}"),),
                "Of what was handled.",
                unit="s",
            ),
            Panel(
                "Lag by partition",
                (
                    Query(
                        f"topk(20, max by (group, topic, partition) (heliograph_consumer_lag{{{_GROUP}}}))",
                        "{{group}} {{topic}}/{{partition}}",
                    ),
                ),
                "One alone that grows: a hot key, or a handler that waits.",
                width=12,
            ),
            Panel(
                "Partitions held",
                (
                    Query(
                        f"count by (group, process) (heliograph_consumer_lag{{{_GROUP}}})", "{{group}} at {{process}}"
                    ),
                ),
                "All of a group's topics together. Fewer than the topics have: nobody handles the rest.",
                width=12,
            ),
        ),
    )


def _handling() -> Row:
    return Row(
        "Handling",
        (
            Panel(
                "Handled",
                (Query(rate("heliograph_events_handled_total", "group", _GROUP + ',outcome="done"'), "{{group}}"),),
                "Events a second.",
            ),
            Panel(
                "Buried",
                (
                    Query(
                        f'sum by (group, topic, type) (heliograph_events_handled_total{{{_GROUP},outcome="buried"}})',
                        "{{group}} {{topic}} {{type}}",
                        quiet="nothing was buried since the processes started",
                    ),
                ),
                "Since the processes started. Each lies in <topic>.<group>.dlq until it is replayed.",
                red=1,
            ),
            Panel(
                "Failed attempts",
                (
                    Query(
                        rate("heliograph_event_attempts_failed_total", "group, kind", _GROUP),
                        "{{group}} {{kind}}",
                        quiet="no attempt has failed",
                    ),
                ),
                "outage: waited out. fault: buried after five.",
                red=0.1,
            ),
            Panel(
                "Heard without a group",
                (
                    Query(rate("heliograph_events_heard_total", "process, topic"), "{{process}} {{topic}}"),
                    Query("min by (process) (heliograph_listening)", "{{process}} listens"),
                ),
                "For what processes keep in memory.",
            ),
            Panel(
                "Counters not saved yet",
                (Query(largest("heliograph_counters_dirty", "name"), "{{name}}"),),
                "Saved about every second.",
            ),
            Panel(
                "Counter drift in an hour",
                (
                    Query(
                        "sum by (name, field) (increase(heliograph_counter_drift_total[1h]))",
                        "{{name}} {{field}}",
                        quiet="no number was wrong",
                    ),
                ),
                "By how much numbers had to be corrected.",
                red=1,
            ),
        ),
    )
