import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import errors
from kit.errors import DomainError, FieldViolation
from kit.status import DETAILS_KEY, NO_RETRY, from_status, is_from_transport, to_status

KINDS = [
    errors.InvalidArgument,
    errors.Unauthenticated,
    errors.PermissionDenied,
    errors.NotFound,
    errors.AlreadyExists,
    errors.Aborted,
    errors.FailedPrecondition,
    errors.ResourceExhausted,
    errors.Unavailable,
    errors.DeadlineExceeded,
    errors.Internal,
]
WORDS = st.text(max_size=40)


def carried(error: DomainError) -> DomainError:
    code, details, trailing = to_status(error)
    return from_status(grpc.aio.AioRpcError(code, None, grpc.aio.Metadata(*trailing), details), "post")


def plain(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, None, grpc.aio.Metadata(), "text of gRPC")


@given(
    kind=st.sampled_from(KINDS),
    message=WORDS,
    fields=st.lists(st.builds(FieldViolation, WORDS, WORDS), max_size=3),
    metadata=st.dictionaries(WORDS, WORDS, max_size=3),
    retry_after=st.none() | st.integers(0, 10_000).map(lambda ms: ms / 1000),
)
def test_an_error_arrives_as_it_was_sent(
    kind: type[DomainError],
    message: str,
    fields: list[FieldViolation],
    metadata: dict[str, str],
    retry_after: float | None,
) -> None:
    sent = kind("SOME_REASON", message, fields=fields, metadata=metadata, retry_after=retry_after)
    got = carried(sent)
    assert type(got) is kind
    assert (got.reason, got.message, got.fields, got.metadata, got.retry_after) == (
        "SOME_REASON",
        message,
        tuple(fields),
        metadata,
        retry_after,
    )


def test_every_kind_has_a_code_of_its_own() -> None:
    assert len({to_status(kind("X", "x"))[0] for kind in KINDS}) == len(KINDS)


def test_a_services_own_subclass_has_its_parents_code() -> None:
    class NoSuchPost(errors.NotFound):
        pass

    assert type(carried(NoSuchPost("NO_POST", "no such post"))) is errors.NotFound


def test_only_an_answer_of_unavailable_forbids_retries() -> None:
    assert NO_RETRY in to_status(errors.Unavailable("X", "x"))[2]
    assert NO_RETRY not in to_status(errors.Aborted("X", "x"))[2]


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable, "POST_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Internal, "INTERNAL"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.Internal, "INTERNAL"),
    ],
)
def test_a_fault_of_the_transport_says_nothing_of_itself(
    code: grpc.StatusCode, kind: type[DomainError], reason: str
) -> None:
    got = from_status(plain(code), "post")
    assert type(got) is kind
    assert got.reason == reason
    assert "gRPC" not in str(got)


def test_an_answer_is_told_from_a_fault_of_the_transport() -> None:
    code, details, trailing = to_status(errors.Unavailable("X", "x"))
    assert not is_from_transport(grpc.aio.AioRpcError(code, None, grpc.aio.Metadata(*trailing), details))
    assert is_from_transport(plain(grpc.StatusCode.UNAVAILABLE))


def test_details_that_cannot_be_read_are_a_fault_of_the_transport() -> None:
    garbled = grpc.aio.Metadata((DETAILS_KEY, b"\xff\xff\xff"))
    got = from_status(grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, None, garbled, ""), "post")
    assert got.reason == "POST_UNAVAILABLE"
