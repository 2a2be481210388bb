"""Requests from the hub: decodes and validates them, performs the operation, and replies."""

import structlog
from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.storage.v1.storage_pb2 import DeleteRequest, ListRequest, RetrieveRequest, StoreRequest

from image_grpc.hub import Ack, Delivery, Hub, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage_service import rules
from image_grpc.storage_service.database import Unavailable
from image_grpc.storage_service.errors import InvalidField, RequestError, TemporaryFailure
from image_grpc.storage_service.object_store import FAILURES
from image_grpc.storage_service.operations import Operations
from image_grpc.validation import violations

log = structlog.get_logger(__name__)

REPLY_SECONDS = 5


class RequestHandler:
    """Handles the messages of the queue `image.storage`."""

    def __init__(self, operations: Operations, hub: Hub) -> None:
        self._operations, self._hub = operations, hub

    async def handle(self, delivery: Delivery) -> Settlement:
        """Perform a request and reply to it."""
        reply = await self._reply_to(delivery.envelope)
        if delivery.reply_to:
            await self._hub.reply(delivery, reply, timeout=REPLY_SECONDS)
        return Ack()

    async def _reply_to(self, request: Envelope) -> Envelope:
        try:
            response = await self._perform(request)
            return envelopes.reply_envelope(request, f"{request.type}.reply", response)
        except RequestError as error:
            return _error_reply(request, error)
        except envelopes.BadEnvelope as error:
            return _error_reply(request, InvalidField("payload", str(error)))
        except (Unavailable, *FAILURES) as failure:
            log.warning("storage operation failed", type=request.type, problem=str(failure))
            return _error_reply(request, TemporaryFailure("the database or the object store failed"))

    async def _perform(self, request: Envelope) -> Message:
        match request.type:
            case topology.STORE:
                return await self._operations.store(_payload(request, StoreRequest))
            case topology.RETRIEVE:
                return await self._operations.retrieve(_payload(request, RetrieveRequest))
            case topology.DELETE:
                return await self._operations.delete(_payload(request, DeleteRequest))
            case topology.LIST:
                return await self._operations.list(_payload(request, ListRequest))
        raise InvalidField("type", f"operation {request.type!r} does not exist")


def _payload(request: Envelope, message: type[envelopes.M]) -> envelopes.M:
    """Return the payload if it is valid. Raises BadEnvelope, InvalidField."""
    payload = envelopes.payload(request, message)
    for violation in violations(payload):
        raise InvalidField(violation.field, violation.description)
    rules.check_text(payload)
    return payload


def _error_reply(request: Envelope, error: RequestError) -> Envelope:
    reply = envelopes.error_reply(request.id, error.code, str(error), field=error.field, retryable=error.retryable)
    return envelopes.reply_envelope(request, topology.ERROR, reply)
