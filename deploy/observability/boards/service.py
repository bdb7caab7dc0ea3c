"""One service, or all: calls in and out, and what it needs."""

from deploy.observability.boards.panels import Board, Panel, Query, Row, Variable
from deploy.observability.boards.queries import FAULTS, quantile, rate, share

_CHOSEN = 'service=~"$service",process=~"$process"'


def board() -> Board:
    variables = (Variable("service", "heliograph_ready", "service"), Variable("process", "heliograph_ready", "process"))
    return Board(
        "service", "Service", "Calls in, calls out, pools, caches.", (_calls(), _out(), _pools(), _process()), variables
    )


def _calls() -> Row:
    calls = rate("heliograph_rpc_server_seconds_count", "method", _CHOSEN)
    faults = rate("heliograph_rpc_server_seconds_count", "method", f'{_CHOSEN},code=~"{FAULTS}"')
    return Row(
        "Calls it answers",
        (
            Panel("Calls", (Query(calls, "{{method}}"),), "A second, by method.", unit="reqps"),
            Panel(
                "Faults",
                (Query(share(faults, calls), "{{method}}", quiet="no call has failed"),),
                "Share that failed for no fault of the caller's.",
                unit="percentunit",
                red=0.01,
            ),
            Panel(
                "Duration (99%)",
                (Query(quantile(0.99, "heliograph_rpc_server_seconds", "method", _CHOSEN), "{{method}}"),),
                "Buckets end at 5 s, as deadlines do.",
                unit="s",
            ),
            Panel(
                "Being answered",
                (
                    Query(f"sum by (instance) (heliograph_rpc_server_in_flight{{{_CHOSEN}}})", "{{instance}}"),
                    Query(
                        f"max by (process) (heliograph_rpc_server_in_flight_limit{{{_CHOSEN}}})", "limit of {{process}}"
                    ),
                ),
                "At once, and how many may be.",
            ),
            Panel(
                "Turned away",
                (
                    Query(rate("heliograph_rpc_server_shed_total", "process", _CHOSEN), "no room: {{process}}"),
                    Query(
                        rate("heliograph_rpc_server_refused_callers_total", "process, caller", _CHOSEN),
                        "caller not allowed: {{caller}} at {{process}}",
                        quiet="no service called what it may not",
                    ),
                ),
                "Calls a second.",
                unit="reqps",
                red=0.1,
            ),
            Panel(
                "Calls in one message (median)",
                (
                    Query(
                        quantile(0.5, "heliograph_rpc_server_batch_calls", "process", _CHOSEN),
                        "{{process}}",
                        quiet="nobody batches calls to this process",
                    ),
                ),
                "More under load: calls of one moment travel together.",
            ),
        ),
    )


def _out() -> Row:
    calls = rate("heliograph_rpc_client_seconds_count", "process, method", _CHOSEN)
    faults = rate("heliograph_rpc_client_seconds_count", "process, method", f'{_CHOSEN},code=~"{FAULTS}"')
    return Row(
        "Calls it makes",
        (
            Panel(
                "Duration (99%)",
                (Query(quantile(0.99, "heliograph_rpc_client_seconds", "method", _CHOSEN), "{{method}}"),),
                "With the network and the wait for a batch.",
                unit="s",
            ),
            Panel(
                "Faults",
                (Query(share(faults, calls), "{{process}} {{method}}", quiet="no call has failed"),),
                "As the caller sees them.",
                unit="percentunit",
                red=0.01,
            ),
            Panel(
                "Breakers",
                (
                    Query(
                        f"max by (process, exported_service) (heliograph_breaker_state{{{_CHOSEN}}})",
                        "{{process}} to {{exported_service}}",
                    ),
                ),
                "0 closed, 1 tries again, 2 open: nothing is sent.",
                red=2,
            ),
        ),
    )


def _pools() -> Row:
    used = f"sum by (process, pool) (heliograph_postgres_connections_in_use{{{_CHOSEN}}})"
    size = f"sum by (process, pool) (heliograph_postgres_pool_size{{{_CHOSEN}}})"
    redis_used = f"sum by (process) (heliograph_redis_connections_in_use{{{_CHOSEN}}})"
    redis_size = f"sum by (process) (heliograph_redis_pool_size{{{_CHOSEN}}})"
    flying = f"sum by (process) (heliograph_cassandra_in_flight{{{_CHOSEN}}})"
    room = f"sum by (process) (heliograph_cassandra_in_flight_limit{{{_CHOSEN}}})"
    return Row(
        "What it needs",
        (
            Panel(
                "Pools in use",
                (
                    Query(share(used, size), "Postgres: {{process}} {{pool}}"),
                    Query(share(redis_used, redis_size), "Redis: {{process}}"),
                    Query(share(flying, room), "Cassandra: {{process}}"),
                ),
                "Share of connections or operations. At 1 callers wait.",
                unit="percentunit",
                red=0.9,
            ),
            Panel(
                "Wait for Postgres (99%)",
                (
                    Query(
                        quantile(0.99, "heliograph_postgres_acquire_seconds", "process, pool", _CHOSEN),
                        "{{process}} {{pool}}",
                    ),
                ),
                "For a connection, before the query begins.",
                unit="s",
                red=0.1,
            ),
            Panel(
                "Waiting for Postgres",
                (Query(f"sum by (process, pool) (heliograph_postgres_waiting{{{_CHOSEN}}})", "{{process}} {{pool}}"),),
                "Callers without a connection right now.",
                red=1,
            ),
            Panel(
                "Caches: share found",
                (
                    Query(
                        share(
                            rate("heliograph_cache_lookups_total", "cache", _CHOSEN + ',outcome="hit"'),
                            rate("heliograph_cache_lookups_total", "cache", _CHOSEN),
                        ),
                        "{{cache}}",
                    ),
                ),
                "Of the ids looked up.",
                unit="percentunit",
            ),
            Panel(
                "Redis for hot paths: commands that wait",
                (Query(f"sum by (process) (heliograph_hot_redis_queue{{{_CHOSEN}}})", "{{process}}"),),
                "On the one connection that a process has for them.",
            ),
            Panel(
                "Dependencies that fail",
                (Query(f"max by (process, check) (heliograph_check_failing{{{_CHOSEN}}})", "{{process}} {{check}}"),),
                "1 while the check fails.",
                red=1,
            ),
        ),
    )


def _process() -> Row:
    ends = f"heliograph_tls_certificate_expiry_timestamp_seconds{{{_CHOSEN}}}"
    return Row(
        "Processes",
        (
            Panel("CPU", (Query(rate("process_cpu_seconds_total", "process", _CHOSEN), "{{process}}"),), "Cores."),
            Panel(
                "Memory",
                (Query(f"max by (process) (process_resident_memory_bytes{{{_CHOSEN}}})", "{{process}}"),),
                "The largest replica.",
                unit="bytes",
            ),
            Panel(
                "Starts in an hour",
                (
                    Query(f"sum by (process) (changes(process_start_time_seconds{{{_CHOSEN}}}[1h]))", "{{process}}"),
                    Query(
                        f"sum by (process, task) (increase(heliograph_task_restarts_total{{{_CHOSEN}}}[1h]))",
                        "{{process}}: {{task}}",
                        quiet="no background task has died",
                    ),
                ),
                "Of processes and of their background tasks.",
                red=3,
            ),
            Panel(
                "Event loop (99%)",
                (Query(quantile(0.99, "heliograph_event_loop_lag_seconds", "process", _CHOSEN), "{{process}}"),),
                "How late it comes to what is due.",
                unit="s",
                red=0.1,
            ),
            Panel(
                "Certificates end in",
                (
                    Query(
                        f"min by (process) (({ends} > 0) - time())",
                        "{{process}}",
                        quiet="mTLS is off",
                    ),
                ),
                "Renewed long before, without a restart.",
                unit="s",
            ),
            Panel(
                "What runs",
                (Query(f"count by (process, version, revision) (heliograph_build_info{{{_CHOSEN}}})"),),
                "Two versions of one process are seen during a rollout alone.",
                kind="table",
            ),
        ),
    )
