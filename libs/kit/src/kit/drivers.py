"""Which backing server an exception blames, told by class names so that no driver need be installed."""

import socket
from collections.abc import Iterator
from traceback import walk_tb

_BACKENDS = {
    "asyncpg": "POSTGRES",
    "redis": "REDIS",
    "cassandra": "CASSANDRA",
    "elastic_transport": "ELASTICSEARCH",
    "elasticsearch": "ELASTICSEARCH",
    "botocore": "S3",
    "aiokafka": "KAFKA",
}
_DOWN = {
    "asyncpg": {
        "PostgresConnectionError",
        "CannotConnectNowError",
        "TooManyConnectionsError",
        "AdminShutdownError",
        "CrashShutdownError",
        "ReadOnlySQLTransactionError",  # the primary was demoted under us
    },
    "redis": {"ConnectionError", "TimeoutError", "ClusterDownError", "ReadOnlyError", "TryAgainError"},
    "cassandra": {
        "NoHostAvailable",
        "OperationTimedOut",
        "Unavailable",
        "Timeout",
        "ConnectionException",
        "ConnectionBusy",
        "OverloadedErrorMessage",
        "IsBootstrappingErrorMessage",
        "ServerError",
        "CoordinationFailure",  # a replica's own error, as while it starts or ends
    },
    "elastic_transport": {"ConnectionError", "ConnectionTimeout"},
    "botocore": {"HTTPClientError", "ConnectionError", "IncompleteReadError"},
    "aiokafka": {"KafkaTimeoutError"},
}
_OVERLOADED = {429, 502, 503, 504}


def backend_down(error: BaseException) -> str | None:
    """The backend ("POSTGRES", "REDIS", ...) that `error` says is down, "DEPENDENCY" for a network error that names
    none, else None."""
    for package, name in _lineage(error):
        if name in _DOWN.get(package, ()):
            return _BACKENDS[package]
    match error.__class__.__module__.partition(".")[0]:
        case "aiokafka" if getattr(error, "retriable", False):
            return "KAFKA"
        case "asyncpg" if "connection is closed" in str(error) or "connection was closed" in str(error):
            return "POSTGRES"  # an InterfaceError, which otherwise means misuse
        case "elasticsearch" if getattr(error, "status_code", None) in _OVERLOADED or _lacks_index(error):
            return "ELASTICSEARCH"
        case _:
            return _network_down(error)


def lost_race(error: BaseException) -> bool:
    """Whether Postgres undid the transaction for the sake of another one (deadlock, serialization failure)."""
    return ("asyncpg", "TransactionRollbackError") in _lineage(error)


def statement_timed_out(error: BaseException) -> bool:
    """Whether Postgres cancelled a statement that ran longer than statement_timeout or lock_timeout allows."""
    return not {("asyncpg", "QueryCanceledError"), ("asyncpg", "LockNotAvailableError")}.isdisjoint(_lineage(error))


def _lacks_index(error: BaseException) -> bool:
    """An index that is not made yet, or lost, is one to wait for: what it should hold must not be given up."""
    return getattr(error, "error", None) == "index_not_found_exception"


def _lineage(error: BaseException) -> Iterator[tuple[str, str]]:
    return ((cls.__module__.partition(".")[0], cls.__name__) for cls in type(error).__mro__)


def _network_down(error: BaseException) -> str | None:
    """A bare OSError counts when a driver raised it or when it is about a network: a missing file is no outage."""
    if not isinstance(error, OSError):
        return None
    for frame, _ in walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _BACKENDS:
            return _BACKENDS[package]
    return "DEPENDENCY" if isinstance(error, (ConnectionError, TimeoutError, socket.gaierror)) else None
