"""Failed calls with the details that the server sends: reason, invalid fields, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class Violation:
    """An invalid field of a request."""

    field: str
    """The path of the field, for example `size.width`."""
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a call failed."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    """The value of `ErrorReason` without its prefix, for example `IMAGE_NOT_FOUND`. Empty if gRPC itself failed."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the reason is about."""
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None
    """Seconds after which the same call may succeed; None if it will not, or nobody knows."""
    request_id: str = ""
    """The id of the call in the logs of the server."""


def failure_of(error: grpc.RpcError) -> Failure:
    """Decode the error of a call of either kind of channel."""
    info, bad_request, retry, request = ErrorInfo(), BadRequest(), RetryInfo(), RequestInfo()
    status = rpc_status.from_call(error)
    retry_after = None
    for detail in status.details if status is not None else ():
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
        else:
            _ = detail.Unpack(info) or detail.Unpack(bad_request) or detail.Unpack(request)
    return Failure(
        code=error.code(),
        message=error.details() or "",
        reason=info.reason,
        metadata=dict(info.metadata),
        violations=tuple(Violation(each.field, each.description) for each in bad_request.field_violations),
        retry_after=retry_after,
        request_id=request.request_id,
    )
