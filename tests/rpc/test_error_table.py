"""Which status and which `google.rpc` details each of our errors becomes."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

import image_grpc.app  # noqa: F401  (with it, every module that defines an error is loaded)
from image_grpc import errors
from image_grpc.errors import InvalidArgument, Overloaded, ServiceError, StorageServiceError, Violation
from image_grpc.rpc import status

CODES = {
    "INVALID_ARGUMENT": grpc.StatusCode.INVALID_ARGUMENT,
    "INVALID_THEME": grpc.StatusCode.INVALID_ARGUMENT,
    "OFFSET_OUT_OF_RANGE": grpc.StatusCode.OUT_OF_RANGE,
    "IMAGE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "GENERATION_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "THEME_ERROR": grpc.StatusCode.FAILED_PRECONDITION,
    "OVERLAY_ERROR": grpc.StatusCode.FAILED_PRECONDITION,
    "IMAGE_ERROR": grpc.StatusCode.FAILED_PRECONDITION,
    "REQUEST_ID_REUSED": grpc.StatusCode.ALREADY_EXISTS,
    "VERSION_CONFLICT": grpc.StatusCode.ABORTED,
    "GETIMG_NOT_CONFIGURED": grpc.StatusCode.FAILED_PRECONDITION,
    "GENERATION_ERROR": grpc.StatusCode.INTERNAL,
    "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "DEADLINE_EXCEEDED": grpc.StatusCode.DEADLINE_EXCEEDED,
    "API_ERROR": grpc.StatusCode.UNAVAILABLE,
    "MESSAGE_HUB_ERROR": grpc.StatusCode.UNAVAILABLE,
    "STORAGE_SERVICE_ERROR": grpc.StatusCode.UNAVAILABLE,
    # Of a module's own, for its callers; when one gets out all the same, something of ours is broken.
    "RECORD_NOT_FOUND": grpc.StatusCode.INTERNAL,
    "BLOB_INCOMPLETE": grpc.StatusCode.INTERNAL,
}
"""What callers are promised for each reason."""

OTHERS = {
    errors.ThemeNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ThemeExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.OverlayNotFound: grpc.StatusCode.NOT_FOUND,
}
"""The errors that share a reason with another, and have a code of their own."""

ABSTRACT = (errors.ServiceError, errors.CallerError, errors.DependencyError)


def all_errors(of: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from all_errors(kind)


CONCRETE = sorted(set(all_errors()) - set(ABSTRACT), key=lambda kind: kind.__name__)


def decoded(error: ServiceError, request_id: str = "some-request") -> status_pb2.Status:
    return status_pb2.Status.FromString(status.details_of(error, request_id))


def detail(of: status_pb2.Status, kind: type) -> object:
    found = [kind() for _ in of.details]
    return next((made for made, packed in zip(found, of.details, strict=True) if packed.Unpack(made)), None)


@pytest.mark.parametrize("kind", CONCRETE, ids=lambda kind: kind.__name__)
def test_every_error_has_a_reason_and_the_code_that_was_promised_for_it(kind: type[ServiceError]) -> None:
    assert status.code_of(kind("it is so")) is OTHERS.get(kind, CODES[kind.reason])


@pytest.mark.parametrize("kind", CONCRETE, ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_is_in_the_table(kind: type[ServiceError]) -> None:
    inherited = [each for each in kind.__mro__ if each in status.CODES and each is not ServiceError]
    assert inherited or kind.reason in ("RECORD_NOT_FOUND", "BLOB_INCOMPLETE"), "has no code of its own"


def test_what_is_no_error_of_ours_is_internal() -> None:
    assert status.code_of(KeyError("x")) is grpc.StatusCode.INTERNAL


def test_the_details_say_the_reason_the_domain_and_the_request() -> None:
    told = decoded(errors.ImageNotFound("there is no image 7", metadata={"image_id": "7"}), "request-1")
    assert told.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert told.message == "there is no image 7"
    info = detail(told, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == ("IMAGE_NOT_FOUND", "image.tabletop", {"image_id": "7"})
    assert detail(told, error_details_pb2.RequestInfo).request_id == "request-1"


def test_the_details_say_what_may_be_tried_again_and_when() -> None:
    told = decoded(StorageServiceError("it is away", retry_delay=1.5))
    assert detail(told, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() == 1500


def test_what_will_not_pass_has_no_retry_info() -> None:
    assert detail(decoded(errors.ApiError("refused")), error_details_pb2.RetryInfo) is None


def test_the_details_of_an_overload_name_the_quota() -> None:
    told = decoded(Overloaded("too many calls", retry_delay=1))
    [violation] = detail(told, error_details_pb2.QuotaFailure).violations
    assert violation.subject == "server"


def test_the_details_name_every_violated_field() -> None:
    wrong = [Violation("size.width", "must be 32 to 4096"), Violation("theme", "there is none")]
    told = decoded(InvalidArgument.of(wrong))
    fields = detail(told, error_details_pb2.BadRequest).field_violations
    assert [(each.field, each.description) for each in fields] == [
        ("size.width", "must be 32 to 4096"),
        ("theme", "there is none"),
    ]


@pytest.mark.parametrize("letter", ["a", "ß", "龍", "🐉"])
def test_details_and_message_stay_far_below_the_trailers_limit(letter: str) -> None:
    wrong = [Violation(f"features[{index}].{letter * 100}", letter * 400) for index in range(500)]
    error = InvalidArgument.of(wrong)
    details = status.details_of(error, "r" * 128)
    assert len(details) <= 4096
    # The message is a trailer of its own, in which every byte outside of ASCII takes three.
    assert len(quote(status.message_of(error))) <= 2048
    told = status_pb2.Status.FromString(details)
    assert detail(told, error_details_pb2.ErrorInfo).reason == "INVALID_ARGUMENT"
    assert detail(told, error_details_pb2.BadRequest).field_violations[0].field.startswith("features[0].")
