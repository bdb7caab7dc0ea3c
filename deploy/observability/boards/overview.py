"""Is Heliograph well? One screen, the first to look at."""

from deploy.observability.boards.panels import Board, Panel, Query, Row
from deploy.observability.boards.queries import FAULTS, largest, quantile, rate, share

_OURS = 'service!="",process!=""'


def board() -> Board:
    return Board("overview", "Overview", "Is it well, and if not, where?", (_now(), _people(), _within(), _late()))


def _now() -> Row:
    calm = "nothing is wrong"
    return Row(
        "Now",
        (
            Panel(
                "Alerts that fire",
                (Query('count(ALERTS{alertstate="firing",area!=""}) or vector(0)'),),
                "Each names its runbook.",
                kind="stat",
                red=1,
                width=4,
                height=4,
            ),
            Panel(
                "Processes that are away",
                (Query(f"count(up{{{_OURS}}} == 0) or vector(0)"),),
                "Targets that do not answer a scrape.",
                kind="stat",
                red=1,
                width=4,
                height=4,
            ),
            Panel(
                "Not ready",
                (Query("count(heliograph_ready == 0) or vector(0)"),),
                "Up, but taking no calls.",
                kind="stat",
                red=1,
                width=4,
                height=4,
            ),
            Panel(
                "Requests a second",
                (Query(rate("heliograph_http_seconds_count")),),
                "At all gateways.",
                unit="reqps",
                kind="stat",
                width=4,
                height=4,
            ),
            Panel(
                "Buried events in a day",
                (Query('sum(increase(heliograph_events_handled_total{outcome="buried"}[1d])) or vector(0)'),),
                "Each is missing in one view until it is replayed.",
                kind="stat",
                red=1,
                width=4,
                height=4,
            ),
            Panel(
                "Oldest event in an outbox",
                (Query("max(heliograph_outbox_age_seconds)"),),
                "Said yes to, and not yet in Kafka.",
                unit="s",
                kind="stat",
                red=30,
                width=4,
                height=4,
            ),
            Panel(
                "Firing",
                (Query('ALERTS{alertstate="firing",area!=""}', quiet=calm),),
                "The alerts, by name.",
                kind="table",
                width=12,
                height=6,
            ),
            Panel(
                "Dependencies that fail",
                (Query("heliograph_check_failing == 1", quiet=calm),),
                "Which process misses what.",
                kind="table",
                width=12,
                height=6,
            ),
        ),
    )


def _people() -> Row:
    requests = rate("heliograph_http_seconds_count")
    broken = rate("heliograph_http_seconds_count", where='status=~"5.."')
    return Row(
        "What people feel",
        (
            Panel(
                "Requests by status",
                (Query(rate("heliograph_http_seconds_count", "status"), "{{status}}"),),
                "A rise of 5xx is ours, of 4xx a client's, of 429 a limit's.",
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Share of 5xx",
                (Query(share(f"{broken} or vector(0)", requests), "5xx"),),
                "The objectives allow 0.1% in 30 days.",
                unit="percentunit",
                red=0.001,
            ),
            Panel(
                "Duration of requests",
                (
                    Query(quantile(0.5, "heliograph_http_seconds"), "median"),
                    Query(quantile(0.99, "heliograph_http_seconds"), "99%"),
                    Query(
                        quantile(0.99, "heliograph_http_seconds", where='route="/v1/me/feed",method="GET"'), "feed 99%"
                    ),
                ),
                "The home feed answers 99% within 300 ms.",
                unit="s",
                red=0.3,
            ),
        ),
    )


def _within() -> Row:
    calls = rate("heliograph_rpc_server_seconds_count", "service")
    faults = rate("heliograph_rpc_server_seconds_count", "service", f'code=~"{FAULTS}"')
    return Row(
        "Within",
        (
            Panel("Calls by service", (Query(calls, "{{service}}"),), "Answered a second.", unit="reqps"),
            Panel(
                "Faults by service",
                (Query(share(faults, calls), "{{service}}", quiet="no call has failed"),),
                "Share of calls that failed for no fault of the caller's.",
                unit="percentunit",
                red=0.01,
            ),
            Panel(
                "Duration by service (99%)",
                (Query(quantile(0.99, "heliograph_rpc_server_seconds", "service"), "{{service}}"),),
                "Of the calls that it answers.",
                unit="s",
            ),
            Panel(
                "Event loops (99%)",
                (Query(quantile(0.99, "heliograph_event_loop_lag_seconds", "process"), "{{process}}"),),
                "How late a process comes to what is due: over 50 ms it computes too much or blocks.",
                unit="s",
                red=0.1,
            ),
            Panel(
                "CPU",
                (Query(rate("process_cpu_seconds_total", "process", _OURS), "{{process}}"),),
                "Cores in use, of all replicas together.",
            ),
            Panel(
                "Memory",
                (Query(f"sum by (process) (process_resident_memory_bytes{{{_OURS}}})", "{{process}}"),),
                "Resident, of all replicas together.",
                unit="bytes",
            ),
        ),
    )


def _late() -> Row:
    return Row(
        "What is late",
        (
            Panel(
                "Oldest event by group",
                (Query(largest("heliograph_consumer_age_seconds", "group"), "{{group}}"),),
                "How far a view is behind the truth.",
                unit="s",
                red=60,
            ),
            Panel(
                "Post to rows (99%)",
                (Query(quantile(0.99, "heliograph_fanout_delay_seconds", "lane"), "{{lane}}"),),
                "From a post's event to the rows in its followers' feeds.",
                unit="s",
                red=5,
            ),
            Panel(
                "Media that wait",
                (Query(largest("heliograph_media_queue_age_seconds", ""), "oldest"),),
                "Since the medium that waits the longest moved on.",
                unit="s",
                red=120,
            ),
        ),
    )
