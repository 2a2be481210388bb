"""Stage: the audit log's entries about calls that fail."""

import asyncio
import uuid

from google.protobuf.message import DecodeError, Message

from image_grpc.access import changes_something
from image_grpc.audit import FailedCalls
from image_grpc.errors import InternalError, Overloaded, PermissionDenied, QuotaExceeded, ServiceError
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage

CANCELLED = "CANCELLED"
"""The outcome of a call whose caller did not wait for its end."""
_REFUSED_BY_LIMIT = (Overloaded, QuotaExceeded)


def audit_failures(failed_calls: FailedCalls) -> Stage:
    """Return the stage that audits changes that fail, and calls that their caller may not make.

    Not those that a limit refuses, however often they are repeated, and not those of callers who are not known. What
    succeeds is audited together with the change.
    """

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            try:
                return await following(call, request)
            except (Exception, asyncio.CancelledError) as failure:
                if call.caller.name and _is_audited(call.method, failure):
                    failed_calls.add(call.audited(), _outcome(failure), _image_id(call, request))
                raise

        return stage

    return wrap


def _is_audited(method: str, failure: BaseException) -> bool:
    if isinstance(failure, _REFUSED_BY_LIMIT):
        return False
    return changes_something(method) or isinstance(failure, PermissionDenied)


def _outcome(failure: BaseException) -> str:
    if isinstance(failure, asyncio.CancelledError):
        return CANCELLED
    return failure.reason if isinstance(failure, ServiceError) else InternalError.reason


def _image_id(call: Call, request: Request) -> str:
    """Return the image that a request names; empty if it names none, or something that is no UUID."""
    if not isinstance(request, bytes):
        return ""
    try:
        message = call.deserialize(request)
        return str(uuid.UUID(getattr(message, "image_id", "") or getattr(message, "map_id", "")))
    except (DecodeError, ValueError):
        return ""
