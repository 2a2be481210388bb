"""The client of the Storage Service: a collection per kind of record, in the contract's messages, and blobs."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic

import structlog
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder, ListRequest, ListResponse, Put

from image_grpc.errors import StorageServiceError
from image_grpc.hub import Hub, topology
from image_grpc.storage import codecs
from image_grpc.storage.blobs import BlobClient
from image_grpc.storage.codecs import Codec, T
from image_grpc.storage.errors import RecordNotFound
from image_grpc.storage.requester import StorageRequester, new_id
from image_grpc.telemetry import Telemetry

log = structlog.get_logger(__name__)

MAX_PAGE_SIZE = 500
_PROBE_KEY = RecordKey(kind=RecordKind.RECORD_KIND_CACHE_ENTRY, id="probe")
"""No record: cache entries have the SHA-256 of a request as their id."""
_PROBE_BLOB = b"probe"
"""A blob without a record. Its part expires."""


class Collection(Generic[T]):
    """Reads of one kind of record, uncached, and puts for a unit of work."""

    def __init__(self, requester: StorageRequester, codec: Codec[T]) -> None:
        self.requester, self.codec = requester, codec
        self.kind = codec.kind

    def key(self, id_: str, version: int = 0) -> RecordKey:
        """Return the key of a record; version 0 is the latest."""
        return self.codec.key(id_, version)

    def put_if_absent(self, message: T) -> Put:
        """Return a put that requires that the record does not exist, not even deleted."""
        return Put(record=self.codec.encode(message), absent=True)

    def put_at_version(self, message: T, version: int) -> Put:
        """Return a put that requires that the record is at this version."""
        return Put(record=self.codec.encode(message), at_version=version)

    def put(self, message: T) -> Put:
        """Return a put without a precondition; it restores a deleted record."""
        return Put(record=self.codec.encode(message))

    def decode(self, record: Record) -> T:
        """Return the message in a record of this kind."""
        return self.codec.decode(record)

    async def retrieve(self, id_: str, version: int = 0, *, include_deleted: bool = False) -> T | None:
        """Return one record, or None if it does not exist."""
        records = await self.requester.retrieve([self.key(id_, version)], include_deleted=include_deleted)
        return self.decode(records[0]) if records else None

    async def list(
        self,
        filter_: ListFilter | None = None,
        *,
        page_size: int,
        page_token: str = "",
        order: ListOrder = ListOrder.LIST_ORDER_NEWEST_FIRST,
    ) -> tuple[list[T], str]:
        """Return a page and the next token, empty at the end. Raises InvalidArgument for a token of another listing."""
        page = await self._list(ListRequest(filter=filter_, page_size=page_size, page_token=page_token, order=order))
        return list(self._decode_readable(page.records)), page.next_page_token

    def _decode_readable(self, records: Iterable[Record]) -> Iterator[T]:
        """Yield the messages in records. One that another service has stored in a form of its own is left out."""
        for record in records:
            try:
                yield self.decode(record)
            except StorageServiceError as error:
                log.warning("record left out of a listing", error=error.message)

    async def all(self, filter_: ListFilter) -> Sequence[T]:
        """Return every record of a listing, oldest first, for those that fit in memory."""
        messages, token, order = list[T](), "", ListOrder.LIST_ORDER_OLDEST_FIRST
        while True:
            page, token = await self.list(filter_, page_size=MAX_PAGE_SIZE, page_token=token, order=order)
            messages += page
            if not token:
                return messages

    async def count(self, filter_: ListFilter) -> int:
        """Return the number of records in a listing, up to 10,000."""
        return (await self._list(ListRequest(filter=filter_, page_size=1, count=True))).total_size

    async def _list(self, request: ListRequest) -> ListResponse:
        request.storage_correlation_id, request.kind = new_id(), self.kind
        return await self.requester.request(topology.LIST, request, ListResponse)


class ImageStorageClient(StorageRequester):
    """The Storage Service, uncached."""

    def __init__(self, hub: Hub, telemetry: Telemetry, *, timeout: float) -> None:
        super().__init__(hub, telemetry, timeout=timeout)
        self.images = Collection(self, codecs.IMAGES)
        self.overlays = Collection(self, codecs.OVERLAYS)
        self.themes = Collection(self, codecs.THEMES)
        self.generations = Collection(self, codecs.GENERATIONS)
        self.cache_entries = Collection(self, codecs.CACHE_ENTRIES)
        self.renditions = Collection(self, codecs.RENDITIONS)
        self.audit_entries = Collection(self, codecs.AUDIT_ENTRIES)
        self.blobs = BlobClient(self)

    async def probe(self) -> None:
        """Let the Storage Service write to its database and its object store; nothing is left behind for long.

        Raises StorageServiceError. `last_failure` and `last_blob_failure` tell them apart.
        """
        with contextlib.suppress(RecordNotFound):
            await self.delete([_PROBE_KEY])  # its transaction writes before it finds that there is no such record
        await self.blobs.put(_PROBE_BLOB)
