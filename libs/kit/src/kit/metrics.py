"""The kit's Prometheus metrics. In the process-wide registry, as that library means it: /metrics shows that one.

Rate, errors and duration of calls are one histogram: its count by code is both rate and errors.
"""

from functools import cache

import grpc
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # a second series for each, that nobody asks for

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

SERVER_SECONDS = Histogram(
    "heliograph_rpc_server_seconds", "Calls answered, by method and status code", ["method", "code"], buckets=_SECONDS
)
SERVER_IN_FLIGHT = Gauge("heliograph_rpc_server_in_flight", "Calls being answered")
SERVER_LIMIT = Gauge("heliograph_rpc_server_in_flight_limit", "Calls that may be answered at once")
SERVER_SHED = Counter("heliograph_rpc_server_shed_total", "Calls refused because too many were being answered")
SERVER_REFUSED_CALLERS = Counter(
    "heliograph_rpc_server_refused_callers_total", "Calls refused because their caller may not make them", ["caller"]
)
SERVER_BATCH_CALLS = Histogram(
    "heliograph_rpc_server_batch_calls", "Calls that came together", buckets=(1, 2, 4, 8, 16, 32, 64)
)
CLIENT_SECONDS = Histogram(
    "heliograph_rpc_client_seconds", "Calls made, by method and status code", ["method", "code"], buckets=_SECONDS
)
CLIENT_ALONE = Counter(
    "heliograph_rpc_client_alone_total", "Calls asked alone that were not answered with their batch", ["method"]
)
BREAKER_STATE = Gauge("heliograph_breaker_state", "0 closed, 1 half open, 2 open", ["service"])
CERTIFICATE_EXPIRES = Gauge(
    "heliograph_tls_certificate_expiry_timestamp_seconds", "When the certificate that is in use ends; 0 without one"
)
CERTIFICATE_FAULTS = Counter(
    "heliograph_tls_certificate_faults_total", "Looks at the certificates' folder that found files of no use"
)
READY = Gauge("heliograph_ready", "1 while the process takes calls")
CHECK_FAILING = Gauge("heliograph_check_failing", "1 while the check of a dependency fails", ["check"])
TASK_RESTARTS = Counter("heliograph_task_restarts_total", "Background tasks that died and were restarted", ["task"])

BUILD = Gauge("heliograph_build_info", "Always 1: what runs", ["process", "version", "revision"])
LOOP_LAG = Histogram(
    "heliograph_event_loop_lag_seconds",
    "How late the event loop comes to what is due, looked at twice a second",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)


# Looking a series up by its labels costs more than counting.
@cache
def server_seconds(method: str, code: grpc.StatusCode) -> Histogram:
    return SERVER_SECONDS.labels(method, code.name)


@cache
def client_seconds(method: str, code: grpc.StatusCode) -> Histogram:
    return CLIENT_SECONDS.labels(method, code.name)
