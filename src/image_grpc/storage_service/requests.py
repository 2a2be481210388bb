"""The four storage operations, and the requests from the hub for them: decoded, validated, performed, replied to."""

from collections.abc import Iterator, Sequence
from functools import partial

import structlog
from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.storage.v1 import storage_pb2 as api
from tabletop.storage.v1.error_code_pb2 import StorageErrorCode

from image_grpc.hub import Ack, Delivery, Hub, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.messages import enum_label
from image_grpc.storage_service import listing, records
from image_grpc.storage_service.blobs import Blobs, is_whole
from image_grpc.storage_service.changes import ChangeExecutor, referenced_blobs
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.errors import InvalidField, RequestError, TemporaryFailure, Unavailable
from image_grpc.storage_service.object_store import FAILURES
from image_grpc.validation import find_violations

log = structlog.get_logger(__name__)

REPLY_SECONDS = 5


class Operations:
    """Performs valid requests."""

    def __init__(self, database: Database, blobs: Blobs, executor: ChangeExecutor) -> None:
        self._database, self._blobs, self._executor = database, blobs, executor

    async def store(self, request: api.StoreRequest) -> api.StoreResponse:
        """Apply a batch, or store a part of a blob."""
        if request.WhichOneof("operation") == "blob_part":
            response = api.StoreResponse(storage_correlation_id=request.storage_correlation_id)
            response.blob_part.committed = await self._blobs.put_part(request.blob_part, field="blob_part")
            return response
        put = set[tuple[str, int]]()
        for index, part in enumerate(request.batch.blob_parts):
            is_committed = await self._blobs.put_part(part, field=f"batch.blob_parts[{index}]")
            if is_whole(part) and not is_committed:
                put.add((part.sha256, part.byte_size))
        request.batch.ClearField("blob_parts")
        references = referenced_blobs(request)
        for reference in references:
            if reference not in put:  # else its object exists
                await self._blobs.assemble(*reference)
        response = await self._executor.store(request)
        for sha256, byte_size in references:
            await self._blobs.remove_parts(sha256, byte_size)
        return response

    async def retrieve(self, request: api.RetrieveRequest) -> api.RetrieveResponse:
        """Read records, or a range of a blob."""
        response = api.RetrieveResponse(storage_correlation_id=request.storage_correlation_id)
        if request.WhichOneof("operation") == "blob_range":
            range_ = request.blob_range
            response.data = await self._blobs.read(range_.sha256, range_.offset, range_.limit)
        else:
            response.records.extend(await self._database.read(partial(records.read, request=request.records)))
        return response

    async def delete(self, request: api.DeleteRequest) -> api.DeleteResponse:
        """Delete records."""
        return await self._executor.delete(request)

    async def list(self, request: api.ListRequest) -> api.ListResponse:
        """List records, or the versions of a record."""
        return await self._database.read(partial(listing.page, request=request))


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
            part = "database" if isinstance(failure, Unavailable) else "object store"
            return _error_reply(request, TemporaryFailure(f"the {part} failed"))

    async def _perform(self, request: Envelope) -> Message:
        match request.type:
            case topology.STORE:
                return await self._operations.store(_payload(request, api.StoreRequest))
            case topology.RETRIEVE:
                return await self._operations.retrieve(_payload(request, api.RetrieveRequest))
            case topology.DELETE:
                return await self._operations.delete(_payload(request, api.DeleteRequest))
            case topology.LIST:
                return await self._operations.list(_payload(request, api.ListRequest))
        raise InvalidField("type", f"operation {request.type!r} does not exist")


def _payload(request: Envelope, message: type[envelopes.M]) -> envelopes.M:
    """Return the payload if it is valid. Raises BadEnvelope, InvalidField."""
    payload = envelopes.payload(request, message)
    for violation in find_violations(payload):
        raise InvalidField(violation.field, violation.description)
    for field, messages in _messages_in(payload):
        for index, outbound in enumerate(messages):
            try:
                envelopes.check_outbound(outbound)
            except envelopes.BadEnvelope as error:
                raise InvalidField(f"{field}[{index}]", str(error)) from error
    return payload


def _messages_in(request: Message) -> Iterator[tuple[str, Sequence[OutboundMessage]]]:
    """Yield the messages that a request publishes, with the path of their field."""
    if isinstance(request, api.StoreRequest):
        yield "batch.messages", request.batch.messages
    elif isinstance(request, api.DeleteRequest):
        yield "messages", request.messages


def _error_reply(request: Envelope, error: RequestError) -> Envelope:
    code = enum_label(StorageErrorCode, error.error_code).upper()
    reply = envelopes.error_reply(request.id, code, str(error), field=error.field, retryable=error.retryable)
    return envelopes.reply_envelope(request, topology.ERROR, reply)
