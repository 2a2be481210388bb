"""The one mapping from errors to gRPC statuses, and the details of a status."""

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2

from image_grpc import errors

DOMAIN = "image.tabletop"
"""Domain of the reasons in `google.rpc.ErrorInfo`."""
MAX_DETAILS_BYTES = 4096
"""Trailers of more than 8 KiB fail erratically, so details stay well below."""
MAX_PUSHBACK_SECONDS = 10.0
MAX_MESSAGE_BYTES = 600
"""The message is a trailer as well, in which each byte takes up to three."""

CODES: dict[type[errors.ServiceError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.OffsetOutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.ImageNotFound: grpc.StatusCode.NOT_FOUND,
    errors.GenerationNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ThemeNotFound: grpc.StatusCode.NOT_FOUND,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.ThemeExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.ThemeNotEditable: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ThemeInUse: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OverlayNotFound: grpc.StatusCode.NOT_FOUND,
    errors.OverlayMapMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OverlayLimitExceeded: grpc.StatusCode.FAILED_PRECONDITION,
    errors.MapMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.VisionLimitExceeded: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SceneLimitExceeded: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DoorNotFound: grpc.StatusCode.NOT_FOUND,
    errors.StairsNotFound: grpc.StatusCode.NOT_FOUND,
    errors.RequestIdReused: grpc.StatusCode.ALREADY_EXISTS,
    errors.VersionConflict: grpc.StatusCode.ABORTED,
    errors.GetimgNotConfigured: grpc.StatusCode.FAILED_PRECONDITION,
    errors.GenerationError: grpc.StatusCode.INTERNAL,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.StreamExpired: grpc.StatusCode.UNAVAILABLE,
    errors.DependencyError: grpc.StatusCode.UNAVAILABLE,
    errors.InternalError: grpc.StatusCode.INTERNAL,
}


def code_of(error: BaseException) -> grpc.StatusCode:
    """Return the status code for an exception; INTERNAL for unexpected ones."""
    return next((CODES[class_] for class_ in type(error).__mro__ if class_ in CODES), grpc.StatusCode.INTERNAL)


def message_of(error: errors.ServiceError) -> str:
    """Return the message of a status, truncated to MAX_MESSAGE_BYTES."""
    return error.message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")


def retry_pushback_of(error: errors.ServiceError) -> str:
    """Return the milliseconds after which gRPC itself may repeat a call, or -1 if it must not.

    Only clients whose service config has a retry policy do so. A person or a queue should wait for longer times.
    """
    delay = error.retry_delay
    return str(int(delay * 1000)) if delay is not None and delay <= MAX_PUSHBACK_SECONDS else "-1"


def details_of(error: errors.ServiceError, request_id: str) -> bytes:
    """Return the serialized `google.rpc.Status` of an error, without violations that exceed MAX_DETAILS_BYTES."""
    status = status_pb2.Status(code=code_pb2.Code.Value(code_of(error).name), message=message_of(error))
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status.details.add().Pack(info)
    status.details.add().Pack(error_details_pb2.RequestInfo(request_id=request_id))
    if error.retry_delay is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_delay * 1000))
        status.details.add().Pack(retry)
    if isinstance(error, errors.Overloaded | errors.QuotaExceeded):
        subject = "server" if isinstance(error, errors.Overloaded) else f"caller:{error.metadata.get('caller', '')}"
        violation = error_details_pb2.QuotaFailure.Violation(subject=subject, description=message_of(error))
        status.details.add().Pack(error_details_pb2.QuotaFailure(violations=[violation]))
    if error.violations:
        room = MAX_DETAILS_BYTES - status.ByteSize() - 100
        status.details.add().Pack(_bad_request(error.violations, room))
    serialized: bytes = status.SerializeToString()
    return serialized


def _bad_request(violations: tuple[errors.Violation, ...], room: int) -> error_details_pb2.BadRequest:
    bad_request = error_details_pb2.BadRequest()
    for violation in violations:
        bad_request.field_violations.add(field=violation.field[:200], description=violation.description[:300])
        if bad_request.ByteSize() > room:
            del bad_request.field_violations[-1]
            break
    return bad_request
