import socket

import asyncpg
import botocore.exceptions
import cassandra
import cassandra.cluster
import elastic_transport
import elasticsearch
import pytest
import redis.exceptions
from aiokafka import errors as kafka
from kit.errors import Aborted, DeadlineExceeded, NotFound, Unavailable, from_exception


def api_error(status: int) -> elasticsearch.ApiError:
    node = elastic_transport.NodeConfig("http", "localhost", 9200)
    meta = elastic_transport.ApiResponseMeta(status, "1.1", elastic_transport.HttpHeaders(), 0.1, node)
    return elasticsearch.ApiError("failed", meta, None)


DOWN = [
    (asyncpg.CannotConnectNowError("starting up"), "POSTGRES"),
    (asyncpg.ConnectionDoesNotExistError("closed in the middle"), "POSTGRES"),
    (asyncpg.TooManyConnectionsError("full"), "POSTGRES"),
    (asyncpg.InterfaceError("connection is closed"), "POSTGRES"),
    (redis.exceptions.ConnectionError("refused"), "REDIS"),
    (redis.exceptions.BusyLoadingError("loading"), "REDIS"),
    (redis.exceptions.TimeoutError("slow"), "REDIS"),
    (cassandra.cluster.NoHostAvailable("none", dict[str, Exception]()), "CASSANDRA"),
    (cassandra.OperationTimedOut(), "CASSANDRA"),
    (cassandra.Unavailable("quorum"), "CASSANDRA"),
    (cassandra.ReadTimeout("slow"), "CASSANDRA"),
    (cassandra.WriteTimeout("slow", write_type=0), "CASSANDRA"),
    (cassandra.WriteFailure("ends", write_type=0), "CASSANDRA"),
    (cassandra.ReadFailure("starts"), "CASSANDRA"),
    (elastic_transport.ConnectionError("refused"), "ELASTICSEARCH"),
    (elastic_transport.ConnectionTimeout("slow"), "ELASTICSEARCH"),
    (api_error(503), "ELASTICSEARCH"),
    (botocore.exceptions.EndpointConnectionError(endpoint_url="http://s3"), "S3"),
    (botocore.exceptions.ConnectionClosedError(endpoint_url="http://s3"), "S3"),
    (botocore.exceptions.ReadTimeoutError(endpoint_url="http://s3"), "S3"),
    (kafka.KafkaConnectionError("refused"), "KAFKA"),
    (kafka.KafkaTimeoutError("slow"), "KAFKA"),
    (kafka.NotLeaderForPartitionError(), "KAFKA"),
    (ConnectionRefusedError(111, "refused"), "DEPENDENCY"),
    (TimeoutError(), "DEPENDENCY"),
    (socket.gaierror(-2, "unknown name"), "DEPENDENCY"),
]
BUGS = [
    ValueError("x"),
    FileNotFoundError(2, "no such file"),
    asyncpg.UniqueViolationError("twice"),
    asyncpg.InterfaceError("cannot use it like this"),
    redis.exceptions.ResponseError("wrong type"),
    kafka.MessageSizeTooLargeError(),
    api_error(400),
]


@pytest.mark.parametrize(("error", "backend"), DOWN, ids=lambda value: type(value).__name__)
def test_a_server_that_is_down_is_unavailable_and_worth_another_try(error: Exception, backend: str) -> None:
    known = from_exception(error)
    assert isinstance(known, Unavailable)
    assert (known.reason, known.retry_after) == (f"{backend}_UNAVAILABLE", 1)


@pytest.mark.parametrize("error", BUGS, ids=lambda value: type(value).__name__)
def test_a_bug_is_not_taken_for_an_outage(error: Exception) -> None:
    assert from_exception(error) is None


async def test_a_refused_connection_blames_the_driver_that_made_it() -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 the driver raises whatever the network gave it
        await asyncpg.connect("postgres://nobody@127.0.0.1:1/none")
    known = from_exception(caught.value)
    assert known is not None
    assert known.reason == "POSTGRES_UNAVAILABLE"


def test_a_lost_race_may_be_tried_again() -> None:
    assert isinstance(from_exception(asyncpg.DeadlockDetectedError("x")), Aborted)
    assert isinstance(from_exception(asyncpg.SerializationError("x")), Aborted)


def test_a_statement_that_took_too_long_is_no_outage() -> None:
    assert isinstance(from_exception(asyncpg.QueryCanceledError("x")), DeadlineExceeded)


def test_a_domain_error_stands_for_itself() -> None:
    error = NotFound("NO_POST", "no such post")
    assert from_exception(error) is error


def test_a_group_is_known_only_when_all_of_it_is() -> None:
    missing = NotFound("NO_POST", "no such post")
    assert from_exception(ExceptionGroup("both", [missing, TimeoutError()])) is missing
    assert from_exception(ExceptionGroup("both", [missing, ValueError()])) is None


def test_what_a_driver_says_is_not_shown() -> None:
    known = from_exception(asyncpg.CannotConnectNowError("password of admin"))
    assert known is not None
    assert "admin" not in str(known)
