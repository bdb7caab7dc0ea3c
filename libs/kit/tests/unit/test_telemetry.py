import contextvars

from kit import telemetry

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def alone(body: object) -> None:
    """Runs in a context of its own, since adopt and begin are for good."""
    assert callable(body)
    contextvars.copy_context().run(body)


def test_outside_a_trace_nothing_is_sent() -> None:
    headers: list[telemetry.Header] = []
    telemetry.inject(headers)
    assert headers == []
    assert telemetry.traceparent() is None
    assert telemetry.trace_id() is None


def test_a_trace_that_came_in_is_passed_on_without_tracing() -> None:
    def body() -> None:
        telemetry.adopt(PARENT)
        headers: list[telemetry.Header] = []
        telemetry.inject(headers)
        assert headers == [("traceparent", PARENT.encode())]
        assert telemetry.traceparent() == PARENT
        assert telemetry.trace_id() == "0af7651916cd43dd8448eb211c80319c"

    assert not telemetry.enabled()
    alone(body)


def test_a_message_is_handled_in_the_trace_that_it_carries() -> None:
    with telemetry.continuing([("type", b"x"), ("traceparent", PARENT.encode())], "handle"):
        assert telemetry.traceparent() == PARENT
    assert telemetry.trace_id() is None


def test_a_broken_header_is_no_trace() -> None:
    with telemetry.continuing([("traceparent", b"\xff\x00nonsense")], "handle"):
        assert telemetry.trace_id() is None


def test_the_edge_can_begin_a_trace() -> None:
    def body() -> None:
        telemetry.begin()
        assert telemetry.trace_id() is not None

    alone(body)
