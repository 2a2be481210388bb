"""Failed calls to the server, and whether they are worth repeating."""

from dataclasses import dataclass

from grpc import StatusCode
from grpc.aio import AioRpcError
from tabletop.image.v1.error_reason_pb2 import ErrorReason

from image_grpc.errors import reason_name
from image_grpc_client import failure_of

INVALID_ARGUMENT = reason_name(ErrorReason.ERROR_REASON_INVALID_ARGUMENT)
DEADLINE_EXCEEDED = reason_name(ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED)
UNIMPLEMENTED = reason_name(ErrorReason.ERROR_REASON_UNIMPLEMENTED)
REQUEST_ID_REUSED = reason_name(ErrorReason.ERROR_REASON_REQUEST_ID_REUSED)
IMAGE_NOT_FOUND = reason_name(ErrorReason.ERROR_REASON_IMAGE_NOT_FOUND)

TRANSIENT_CODES = (
    StatusCode.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.CANCELLED,
)
"""ABORTED is not among them: the version that the request names stays stale."""
FAULT_CODES = (StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.DATA_LOSS)


@dataclass(kw_only=True)
class CallError(Exception):
    """A call that failed, or could not be made."""

    code: StatusCode
    reason: str
    """The reason in the status's `ErrorInfo`, or else the name of the code."""
    message: str
    field: str = ""
    """The first invalid field."""

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.code in TRANSIENT_CODES

    @property
    def fault(self) -> bool:
        """Whether the server failed unexpectedly."""
        return self.code in FAULT_CODES

    @property
    def permanent(self) -> bool:
        """Whether repeating the whole reaction, starting from the current state, cannot succeed either."""
        return not (self.transient or self.fault or self.code is StatusCode.ABORTED)

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.reason}: {field}{self.message}"


def invalid_argument(message: str, field: str = "") -> CallError:
    """Return the error for a message whose content is invalid."""
    return CallError(code=StatusCode.INVALID_ARGUMENT, reason=INVALID_ARGUMENT, message=message, field=field)


def call_error(error: AioRpcError) -> CallError:
    """Translate gRPC's error with its status details."""
    failure = failure_of(error)
    return CallError(
        code=failure.code,
        reason=failure.reason or failure.code.name,
        message=failure.message,
        field=failure.violations[0].field if failure.violations else "",
    )
