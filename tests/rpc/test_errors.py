"""The gRPC status and the `google.rpc` details of each error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from tabletop.image.v1.error_reason_pb2 import ErrorReason

import image_grpc.app  # noqa: F401  (imports every module that defines an error)
from image_grpc import errors
from image_grpc.errors import InvalidArgument, Overloaded, ServiceError, StorageServiceError, Violation
from image_grpc.rpc import errors as statuses

REASONS = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
M = TypeVar("M", bound=Message)
CODES = {
    "INVALID_ARGUMENT": grpc.StatusCode.INVALID_ARGUMENT,
    "INVALID_THEME": grpc.StatusCode.INVALID_ARGUMENT,
    "UNAUTHENTICATED": grpc.StatusCode.UNAUTHENTICATED,
    "PERMISSION_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "OFFSET_OUT_OF_RANGE": grpc.StatusCode.OUT_OF_RANGE,
    "IMAGE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "GENERATION_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "THEME_ERROR": grpc.StatusCode.FAILED_PRECONDITION,
    "OVERLAY_ERROR": grpc.StatusCode.FAILED_PRECONDITION,
    "MAP_ERROR": grpc.StatusCode.FAILED_PRECONDITION,
    "REQUEST_ID_REUSED": grpc.StatusCode.ALREADY_EXISTS,
    "VERSION_CONFLICT": grpc.StatusCode.ABORTED,
    "GETIMG_NOT_CONFIGURED": grpc.StatusCode.FAILED_PRECONDITION,
    "INTERNAL": grpc.StatusCode.INTERNAL,
    "GENERATION_ERROR": grpc.StatusCode.INTERNAL,
    "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "QUOTA_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "DEADLINE_EXCEEDED": grpc.StatusCode.DEADLINE_EXCEEDED,
    "STREAM_EXPIRED": grpc.StatusCode.UNAVAILABLE,
    "API_ERROR": grpc.StatusCode.UNAVAILABLE,
    "IDENTITY_PROVIDER_ERROR": grpc.StatusCode.UNAVAILABLE,
    "MESSAGE_HUB_ERROR": grpc.StatusCode.UNAVAILABLE,
    "STORAGE_SERVICE_ERROR": grpc.StatusCode.UNAVAILABLE,
}
"""The status code that the contract promises for each reason."""

EXCEPTIONS = {
    errors.ThemeNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ThemeExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.OverlayNotFound: grpc.StatusCode.NOT_FOUND,
    errors.DoorNotFound: grpc.StatusCode.NOT_FOUND,
    errors.StairsNotFound: grpc.StatusCode.NOT_FOUND,
}
"""Errors that share their reason with another error and have another code."""

ABSTRACT = {errors.ServiceError, errors.CallerError, errors.NotFound, errors.DependencyError}
UNUSED_REASONS = {"UNSPECIFIED", "UNIMPLEMENTED"}
"""Reasons that no error has; the bridge uses the second."""


def subclasses_of(class_: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for subclass in class_.__subclasses__():
        yield subclass
        yield from subclasses_of(subclass)


CONCRETE = sorted(set(subclasses_of(ServiceError)) - ABSTRACT, key=lambda class_: class_.__name__)
every_error = pytest.mark.parametrize("class_", CONCRETE, ids=lambda class_: class_.__name__)


def decoded(error: ServiceError, request_id: str = "some-request") -> status_pb2.Status:
    return status_pb2.Status.FromString(statuses.details_of(error, request_id))


def detail(status: status_pb2.Status, type_: type[M]) -> M | None:
    """Return the detail of a type, or None if the status has none."""
    for packed in status.details:
        message = type_()
        if packed.Unpack(message):
            return message
    return None


@every_error
def test_the_page_of_reasons_lists_every_error_with_its_code(class_: type[ServiceError]) -> None:
    reason = class_("message").reason
    row = re.compile(rf"^\|[^|]*`{reason}`[^|]*\|([^|]*)\|", re.MULTILINE)
    codes = " ".join(row.findall(REASONS.read_text()))
    assert statuses.code_of(class_("message")).name in codes or "`Generation.error`" in codes


@every_error
def test_every_error_has_the_code_of_its_reason(class_: type[ServiceError]) -> None:
    assert statuses.code_of(class_("message")) is EXCEPTIONS.get(class_, CODES[class_("message").reason])


@every_error
def test_every_error_has_an_explicit_status_code(class_: type[ServiceError]) -> None:
    entries = [each for each in class_.__mro__ if each in statuses.CODES and each is not ServiceError]
    assert entries, "neither the class nor a base class has a status code"


def test_every_reason_of_the_contract_belongs_to_an_error() -> None:
    reasons = {errors.reason_name(value) for value in ErrorReason.values()}
    assert {class_("message").reason for class_ in CONCRETE} == reasons - UNUSED_REASONS == set(CODES)


def test_an_unexpected_exception_is_internal() -> None:
    assert statuses.code_of(KeyError("x")) is grpc.StatusCode.INTERNAL


def test_the_details_have_reason_domain_metadata_and_request_id() -> None:
    status = decoded(errors.ImageNotFound("image 7 does not exist", metadata={"image_id": "7"}), "request-1")
    assert status.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert status.message == "image 7 does not exist"
    info = detail(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == ("IMAGE_NOT_FOUND", "image.tabletop", {"image_id": "7"})
    assert detail(status, error_details_pb2.RequestInfo).request_id == "request-1"
    for type_ in (error_details_pb2.RetryInfo, error_details_pb2.BadRequest, error_details_pb2.QuotaFailure):
        assert detail(status, type_) is None


@pytest.mark.parametrize(("delay", "milliseconds"), [(1.5, 1500), (0.0, 0)])
def test_an_error_that_may_be_retried_has_retry_info(delay: float, milliseconds: int) -> None:
    status = decoded(StorageServiceError("unavailable", retry_delay=delay))
    info = detail(status, error_details_pb2.RetryInfo)
    assert info is not None
    assert info.retry_delay.ToMilliseconds() == milliseconds


def test_an_error_that_must_not_be_retried_has_no_retry_info() -> None:
    assert detail(decoded(errors.ApiError("refused")), error_details_pb2.RetryInfo) is None


def test_an_overload_has_the_exceeded_quota() -> None:
    status = decoded(Overloaded("too many calls", retry_delay=1))
    [violation] = detail(status, error_details_pb2.QuotaFailure).violations
    assert (violation.subject, violation.description) == ("server", "too many calls")


def test_every_violated_field_is_listed() -> None:
    violations = [Violation("size.width", "must be 32 to 4096"), Violation("theme", "does not exist")]
    status = decoded(InvalidArgument.of(violations))
    fields = detail(status, error_details_pb2.BadRequest).field_violations
    assert [(field.field, field.description) for field in fields] == [
        ("size.width", "must be 32 to 4096"),
        ("theme", "does not exist"),
    ]


@pytest.mark.parametrize("letter", ["a", "ß", "龍", "🐉"])
def test_details_and_message_stay_far_below_the_limit_of_trailers(letter: str) -> None:
    violations = [Violation(f"features[{index}].{letter * 100}", letter * 400) for index in range(500)]
    error = InvalidArgument.of(violations)
    details = statuses.details_of(error, "r" * 128)
    assert len(details) <= 4096
    # The message is a separate trailer, percent-encoded: three bytes for each byte outside of ASCII.
    assert len(quote(statuses.message_of(error))) <= 2048
    status = status_pb2.Status.FromString(details)
    assert detail(status, error_details_pb2.ErrorInfo).reason == "INVALID_ARGUMENT"
    assert detail(status, error_details_pb2.BadRequest).field_violations[0].field.startswith("features[0].")
