"""DomainError as a gRPC status with google.rpc details, and back."""

import itertools
from collections.abc import Sequence
from datetime import timedelta

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from kit import errors
from kit.errors import DomainError, FieldViolation

DOMAIN = "heliograph"
DETAILS_KEY = "grpc-status-details-bin"
CALLER_NOT_ALLOWED = "CALLER_NOT_ALLOWED"
# A server that answers "unavailable" is alive. Whoever is nearest to what is down has tried again already; told to
# try again at every hop, a chain of three services would make 27 attempts of one.
NO_RETRY = ("grpc-retry-pushback-ms", "-1")

_CODES: dict[type[DomainError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.Aborted: grpc.StatusCode.ABORTED,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Internal: grpc.StatusCode.INTERNAL,
}
_CLASSES = {code: cls for cls, code in _CODES.items()}
_NUMBERS: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

Metadata = tuple[tuple[str, str | bytes], ...]


def code_of(error: DomainError) -> grpc.StatusCode:
    """A subclass of one of the kit's errors has its parent's code."""
    return next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), grpc.StatusCode.INTERNAL)


def to_status(error: DomainError) -> tuple[grpc.StatusCode, str, Metadata]:
    """Code, details text and trailing metadata, as ServicerContext.abort takes them."""
    code, rich = to_rich(error)
    trailing: Metadata = ((DETAILS_KEY, rich.SerializeToString()),)
    return code, error.message, (*trailing, NO_RETRY) if code is grpc.StatusCode.UNAVAILABLE else trailing


def to_rich(error: DomainError) -> tuple[grpc.StatusCode, status_pb2.Status]:
    code = code_of(error)
    rich = status_pb2.Status(code=code.value[0], message=error.message)
    for detail in _details(error):
        rich.details.add().Pack(detail)
    return code, rich


def from_status(error: grpc.aio.AioRpcError, service: str) -> DomainError:
    """What a failed call to `service` means: the callee's own error when it sent one, else a fault of the transport."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes) and (own := _parse(error.code(), value)):
            return own
    return _of_transport(error.code(), service)


def from_rich(number: int, blob: bytes, service: str) -> DomainError:
    """What a failed call in a batch means: `number` is its google.rpc.Code, `blob` the status or empty."""
    code = _NUMBERS.get(number, grpc.StatusCode.UNKNOWN)
    return (_parse(code, blob) if blob else None) or _of_transport(code, service)


def is_from_transport(error: grpc.aio.AioRpcError) -> bool:
    """Whether gRPC itself failed rather than the callee answered."""
    return all(key != DETAILS_KEY for key, _ in error.trailing_metadata() or ())


def _details(error: DomainError) -> Sequence[Message]:
    found: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    if error.fields:
        violation = error_details_pb2.BadRequest.FieldViolation
        faults = [violation(field=fault.field, description=fault.reason) for fault in error.fields]
        found.append(error_details_pb2.BadRequest(field_violations=faults))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromTimedelta(timedelta(seconds=error.retry_after))
        found.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return found


def _parse(code: grpc.StatusCode, blob: bytes) -> DomainError | None:
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    try:
        rich = status_pb2.Status.FromString(blob)
        for detail, place in itertools.product(rich.details, (info, bad, retry)):
            detail.Unpack(place)  # leaves a message of another kind as it was
    except DecodeError:
        return None
    if info.domain != DOMAIN:
        return None
    kind = _CLASSES.get(code, errors.Internal)
    if info.reason == CALLER_NOT_ALLOWED:
        kind = errors.Internal  # we may not call, which says nothing about those who ask us
    return kind(
        info.reason,
        rich.message,
        fields=[FieldViolation(fault.field, fault.description) for fault in bad.field_violations],
        metadata=info.metadata,
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
    )


def _of_transport(code: grpc.StatusCode, service: str) -> DomainError:
    name = service.upper()
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return errors.Unavailable(f"{name}_UNAVAILABLE", "a service is not available", retry_after=1)
        case grpc.StatusCode.DEADLINE_EXCEEDED | grpc.StatusCode.CANCELLED:
            return errors.DeadlineExceeded("DEADLINE_EXCEEDED", "the answer did not come in time")
        case _:
            return errors.Internal("INTERNAL", "internal error", metadata={"service": service, "code": code.name})
