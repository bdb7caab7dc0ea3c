"""Structured logs: one JSON object a line on stdout, with the ids of the current trace, and without what
belongs to a person (kit.redaction)."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace
from structlog.typing import FilteringBoundLogger, Processor

from kit.redaction import redacted


class _Stdout:
    """Writes where stdout leads when the line is written, each line at once."""

    def __init__(self, *_: object) -> None: ...

    def msg(self, message: str) -> None:
        sys.stdout.write(redacted(message) + "\n")
        sys.stdout.flush()

    debug = info = warning = error = critical = exception = msg


def get(name: str) -> FilteringBoundLogger:
    """A logger that names its module. Safe to call at import time: it takes its configuration when first used."""
    return structlog.get_logger(module=name)


def configure(service: str, level: str) -> None:
    """Sends our lines and those of the libraries to stdout as JSON. Called once, by the process's start."""

    def add_service(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        add_trace,
        structlog.processors.format_exc_info,
    ]
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Stdout,
        cache_logger_on_first_use=True,
    )
    _configure_libraries(shared, number)


class _StdoutHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _Stdout().msg(self.format(record))


def _configure_libraries(shared: list[Processor], level: int) -> None:
    """Libraries log through the standard library: the same shape for them, and nothing below WARNING."""
    handler = _StdoutHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared, add_stdlib_logger],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))


def add_stdlib_logger(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["module"] = event["_record"].name
    return event


def add_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event
