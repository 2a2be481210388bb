"""Requests to the Storage Service over the hub, repeated until a reply arrives or the time is over."""

import asyncio
import time
from typing import TypeVar

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.storage.v1.storage_pb2 import DeleteRequest, ListRequest, RetrieveRequest, StoreRequest

from image_grpc.deadline import remaining
from image_grpc.errors import HubError, StorageServiceError
from image_grpc.hub import Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.retry import Backoff, retry_calls
from image_grpc.storage.errors import RetryableFailure, exception_for
from image_grpc.telemetry import Telemetry, inject

ATTEMPT_SECONDS = 3.0
"""A request without a reply is repeated after this time."""
MARGIN_SECONDS = 0.2
"""Share of the caller's deadline that is reserved for reporting that the Storage Service is unavailable."""
BACKOFF = Backoff(initial=0.05, maximum=1.0, jitter=0.1)

R = TypeVar("R", bound=Message)


StorageRequest = StoreRequest | RetrieveRequest | DeleteRequest | ListRequest


class StorageRequester:
    """Sends the requests of one process."""

    def __init__(self, hub: Hub, telemetry: Telemetry, *, timeout: float) -> None:
        self._hub, self._telemetry, self._timeout = hub, telemetry, timeout
        self.last_failure = ""
        """Why the last request failed; empty if it succeeded or was refused as invalid."""

    @property
    def timeout(self) -> float:
        """Longest time in seconds that a request may take, retries included."""
        return self._timeout

    async def request(self, operation: str, request: StorageRequest, response: type[R]) -> R:
        """Perform one operation, repeating it under the same storage_correlation_id.

        The request ends at the caller's deadline or after the configured timeout, whichever is earlier. Raises
        StorageServiceError, or the exception for an error reply.
        """
        with self._telemetry.track_storage_operation(operation, request.storage_correlation_id) as tracked:
            tracked.bytes = request.ByteSize()
            try:
                reply = await self._repeat_until_reply(operation, request)
                result = _payload(reply, response)
            except Exception as failure:
                self.last_failure = failure.message if isinstance(failure, StorageServiceError) else ""
                raise
            self.last_failure = ""
            tracked.bytes += result.ByteSize()
            return result

    async def _repeat_until_reply(self, operation: str, request: StorageRequest) -> Envelope:
        budget = remaining(self._timeout, margin=MARGIN_SECONDS)
        end = time.monotonic() + budget
        problem = "no reply"

        async def attempt() -> Envelope:
            nonlocal problem
            try:
                return await self._attempt(operation, request, min(ATTEMPT_SECONDS, end - time.monotonic()))
            except RetryableFailure as failure:
                problem = str(failure)
                raise

        try:
            async with asyncio.timeout(budget):
                return await retry_calls(attempt, on=RetryableFailure, backoff=BACKOFF)
        except TimeoutError as expired:
            raise StorageServiceError(
                f"the Storage Service did not complete {operation} within {budget:.1f} s: {problem}", retry_delay=1.0
            ) from expired

    async def _attempt(self, operation: str, request: StorageRequest, seconds: float) -> Envelope:
        message = OutboundMessage(
            exchange=topology.REQUESTS,
            routing_key=operation,
            mandatory=True,
            headers=inject(),
            envelope=envelopes.protobuf_envelope(
                operation, request, correlation_id=request.storage_correlation_id, time_to_live=seconds
            ),
        )
        try:
            reply = await self._hub.request(message, timeout=seconds)
        except HubError as failure:
            raise RetryableFailure(failure.message) from failure
        if reply.type == topology.ERROR:
            raise exception_for(_payload(reply, ErrorReply).error)
        return reply


def _payload(reply: Envelope, message: type[R]) -> R:
    try:
        return envelopes.payload(reply, message)
    except envelopes.BadEnvelope as problem:
        raise StorageServiceError(f"the Storage Service sent a malformed reply: {problem}") from problem
