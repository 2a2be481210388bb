"""Stage: the audit log's entries about calls that fail."""

from google.protobuf.message import DecodeError, Message
from tabletop.image.v1.access_pb2 import Role
from tabletop.image.v1.audit_pb2 import AuditedCall

from image_grpc.access import required_role
from image_grpc.audit import FailedCalls
from image_grpc.errors import InternalError, Overloaded, PermissionDenied, QuotaExceeded, ServiceError
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage

_NOT_TRIED = (Overloaded, QuotaExceeded)
"""Failures of calls that were refused unread, however often they are repeated."""


def audit_failures(failed_calls: FailedCalls) -> Stage:
    """Return the stage that audits changes that fail, and calls that their caller may not make.

    What succeeds is audited together with the change. Callers who are not known are not audited.
    """

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            try:
                return await following(call, request)
            except Exception as failure:
                is_change = required_role(call.method) > Role.ROLE_READER
                if call.caller and (is_change or isinstance(failure, PermissionDenied)):
                    _add(failed_calls, call, request, failure)
                raise

        return stage

    return wrap


def audited_call(call: Call) -> AuditedCall:
    """Return an authenticated call as the audit log names it."""
    return AuditedCall(
        caller=call.caller,
        service=call.service,
        method=call.method.rpartition(".")[2].replace("/", "."),
        request_id=call.request_id,
        correlation_id=call.correlation_id,
    )


def _add(failed_calls: FailedCalls, call: Call, request: Request, failure: Exception) -> None:
    if not isinstance(failure, _NOT_TRIED):
        reason = failure.reason if isinstance(failure, ServiceError) else InternalError.reason
        failed_calls.add(audited_call(call), reason, _image_id(call, request))


def _image_id(call: Call, request: Request) -> str:
    """Return the image that a request names, valid or not; empty if it names none."""
    if not isinstance(request, bytes):
        return ""
    try:
        message = call.deserialize(request)
    except (DecodeError, ValueError):
        return ""
    named: str = getattr(message, "image_id", "") or getattr(message, "map_id", "")
    return named[:36].lower()
