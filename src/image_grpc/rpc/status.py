"""The one table from errors to gRPC statuses, and the details that go with them."""

from __future__ import annotations

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from image_grpc import errors

DOMAIN = "image.tabletop"
"""Domain of the reasons in `google.rpc.ErrorInfo`."""
MAX_DETAILS_BYTES = 4096
"""Trailers of over 8 KiB fail erratically, so the details are kept well below."""
MAX_MESSAGE_BYTES = 600
"""The message is a trailer too, where each of its bytes takes up to three."""

CODES: dict[type[errors.ServiceError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.OffsetOutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.ImageNotFound: grpc.StatusCode.NOT_FOUND,
    errors.GenerationNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ThemeNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ThemeRefused: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ThemeExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.OverlayNotFound: grpc.StatusCode.NOT_FOUND,
    errors.OverlayRefused: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ImageRefused: grpc.StatusCode.FAILED_PRECONDITION,
    errors.RequestIdReused: grpc.StatusCode.ALREADY_EXISTS,
    errors.VersionConflict: grpc.StatusCode.ABORTED,
    errors.GetimgNotConfigured: grpc.StatusCode.FAILED_PRECONDITION,
    errors.GenerationError: grpc.StatusCode.INTERNAL,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.DependencyError: grpc.StatusCode.UNAVAILABLE,
    errors.ServiceError: grpc.StatusCode.INTERNAL,
}


def code_of(error: BaseException) -> grpc.StatusCode:
    """The status code that a caller gets for an exception."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL)


def message_of(error: errors.ServiceError) -> str:
    """The text that a caller gets for an error, cut where it is longer than trailers should be."""
    return error.message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")


def details_of(error: errors.ServiceError, request_id: str) -> bytes:
    """The serialised `google.rpc.Status` of an error: ErrorInfo, RequestInfo, and what else applies. Violations
    that would make it too large are left out, the last ones first."""
    status = status_pb2.Status(code=code_pb2.Code.Value(code_of(error).name), message=message_of(error))
    _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    _add(status, error_details_pb2.RequestInfo(request_id=request_id))
    if error.retry_delay is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_delay * 1000))
        _add(status, retry)
    if isinstance(error, errors.Overloaded):
        _add(status, _quota(error))
    if error.violations:
        room = MAX_DETAILS_BYTES - status.ByteSize() - 100
        _add(status, _bad_request(error.violations, room))
    serialised: bytes = status.SerializeToString()
    return serialised


def _bad_request(violations: tuple[errors.Violation, ...], room: int) -> error_details_pb2.BadRequest:
    found = error_details_pb2.BadRequest()
    for violation in violations:
        found.field_violations.add(field=violation.field[:200], description=violation.description[:300])
        if found.ByteSize() > room:
            del found.field_violations[-1]
            break
    return found


def _quota(error: errors.Overloaded) -> error_details_pb2.QuotaFailure:
    failure = error_details_pb2.QuotaFailure()
    failure.violations.add(subject="server", description=message_of(error))
    return failure


def _add(status: status_pb2.Status, detail: Message) -> None:
    status.details.add().Pack(detail)
