"""Outermost stage: every exception becomes a status."""

import asyncio

import grpc
import structlog
from google.protobuf.message import Message

from image_grpc.errors import InternalError, ServiceError
from image_grpc.rpc import errors
from image_grpc.rpc.interceptors.call import Call, Next, Request

log = structlog.get_logger("access")

DETAILS = "grpc-status-details-bin"
RETRY_PUSHBACK = "grpc-retry-pushback-ms"
INTERNAL_MESSAGE = "internal error; the request id identifies it in the server's logs"


def translate_errors(following: Next) -> Next:
    """Report errors with details. Unexpected exceptions are logged, and their text is not revealed."""

    async def stage(call: Call, request: Request) -> Message | None:
        try:
            return await following(call, request)
        except ServiceError as failure:
            error = failure
        except grpc.aio.AbortError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the caller is gone
            # Something that the handler awaited was cancelled. Without a status the caller would hang.
            error = _internal_error(call, "call interrupted")
        except Exception:
            error = _internal_error(call, "call failed")
        # Outside of the handlers, and without traceback: gRPC keeps the exception that `abort` raises with its context,
        # and so would keep every local variable of the call, such as a whole upload, until the garbage is collected.
        await _abort(call, _without_traceback(error))
        return None

    return stage


def _without_traceback(error: ServiceError) -> ServiceError:
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


async def _abort(call: Call, error: ServiceError) -> None:
    details: tuple[str, bytes] = (DETAILS, errors.details_of(error, call.request_id))
    pushback = (RETRY_PUSHBACK, errors.retry_pushback_of(error))
    trailers: tuple[tuple[str, str | bytes], ...] = (details, pushback, *call.id_metadata())
    await call.context.abort(errors.code_of(error), errors.message_of(error), trailing_metadata=trailers)


def _internal_error(call: Call, event: str) -> InternalError:
    log.exception(event, method=call.method, request_id=call.request_id)
    return InternalError(INTERNAL_MESSAGE)
