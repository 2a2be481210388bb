"""Stage: span, duration and access log of each call."""

import asyncio
import time

import grpc
import structlog
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind, StatusCode

from image_grpc.rpc import errors
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage
from image_grpc.telemetry import (
    ATTR_ERROR_TYPE,
    ATTR_RPC_METHOD,
    ATTR_RPC_STATUS,
    ATTR_RPC_SYSTEM,
    RPC_SERVER_ERRORS,
    Telemetry,
    error_type,
)

log = structlog.get_logger("access")


def observe(telemetry: Telemetry) -> Stage:
    """Return the stage that reports calls to this telemetry."""

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            started = time.perf_counter()
            attributes: dict[str, str] = {ATTR_RPC_SYSTEM: "grpc", ATTR_RPC_METHOD: call.method}
            code = grpc.StatusCode.OK
            with telemetry.span(call.method, parent=call.metadata, kind=SpanKind.SERVER, attributes=attributes) as span:
                try:
                    return await following(call, request)
                except asyncio.CancelledError:
                    code = grpc.StatusCode.CANCELLED
                    raise
                except BaseException as error:
                    code = errors.code_of(error)
                    attributes[ATTR_ERROR_TYPE] = error_type(error)
                    if code.name in RPC_SERVER_ERRORS:
                        span.set_status(StatusCode.ERROR)
                    raise
                finally:
                    attributes[ATTR_RPC_STATUS] = code.name
                    span.set_attributes(attributes)
                    _report(telemetry, call, time.perf_counter() - started, attributes)

        return stage

    return wrap


def _report(telemetry: Telemetry, call: Call, seconds: float, attributes: dict[str, str]) -> None:
    telemetry.rpc_duration.record(seconds, attributes)
    log.info(
        "call",
        method=call.method,
        code=attributes[ATTR_RPC_STATUS],
        seconds=round(seconds, 6),
        request_id=call.request_id,
        peer=call.context.peer(),
        caller=call.caller.name,
        reason=attributes.get(ATTR_ERROR_TYPE),
    )
