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
INTERNAL_MESSAGE = "internal error; the request id identifies it in the server's logs"


def translate_errors(following: Next) -> Next:
    """Report errors with details. Unexpected exceptions are logged, and their text is not revealed."""

    async def stage(call: Call, request: Request) -> Message | None:
        try:
            return await following(call, request)
        except ServiceError as error:
            await _abort(call, error)
        except grpc.aio.AbortError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the caller is gone
            # Something that the handler awaited was cancelled. Without a status the caller would hang.
            await _abort_internal(call, "call interrupted")
        except Exception:
            await _abort_internal(call, "call failed")
        return None

    return stage


async def _abort(call: Call, error: ServiceError) -> None:
    details: tuple[str, bytes] = (DETAILS, errors.details_of(error, call.request_id))
    trailers: tuple[tuple[str, str | bytes], ...] = (details, *call.id_metadata())
    await call.context.abort(errors.code_of(error), errors.message_of(error), trailing_metadata=trailers)


async def _abort_internal(call: Call, event: str) -> None:
    log.exception(event, method=call.method, request_id=call.request_id)
    await _abort(call, InternalError(INTERNAL_MESSAGE))
