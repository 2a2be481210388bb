"""The status of failed gRPC calls with its `google.rpc` details."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, kw_only=True, slots=True)
class CallStatus:
    """The status of a failed call with its `google.rpc` details. Absent details are empty."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str]
    fields: list[str]
    """Paths of the violated fields, in the order of the details."""
    retry_seconds: float | None = None
    quota_subjects: list[str]
    request_id: str = ""
    """The request id in the details, not in the trailers."""
    trailers: dict[str, str | bytes]


async def failed_call(call: Awaitable[Any]) -> CallStatus:
    """Await a call that must fail and return its status."""
    try:
        response = await call
    except grpc.RpcError as error:
        return read_status(error)
    raise AssertionError(f"the call succeeded: {response}")


async def failed_stream(call: Any) -> CallStatus:
    """Read a stream that must fail and return its status."""

    async def drain() -> list[Any]:
        return [message async for message in call]

    return await failed_call(drain())


def read_status(error: Any) -> CallStatus:
    """Return the status of an error of gRPC with its `google.rpc` details."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    request = error_details_pb2.RequestInfo()
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        for message in (info, bad, retry, quota, request):
            detail.Unpack(message)
    return CallStatus(
        code=error.code(),
        message=error.details(),
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields=[violation.field for violation in bad.field_violations],
        retry_seconds=retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None,
        quota_subjects=[violation.subject for violation in quota.violations],
        request_id=request.request_id,
        trailers=dict(error.trailing_metadata() or ()),
    )
