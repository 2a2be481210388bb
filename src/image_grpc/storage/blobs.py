"""Blobs: bytes that are named by their SHA-256 and transferred in parts of 1 MiB."""

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from tabletop.storage.v1 import storage_pb2 as pb

from image_grpc.errors import StorageServiceError
from image_grpc.hub import topology
from image_grpc.retry import SOON
from image_grpc.slots import Slots
from image_grpc.storage.requester import StorageRequester, new_id
from image_grpc.workers import HASHING

PART_BYTES = 1024 * 1024
MAX_CONCURRENT_PARTS = 8
"""Concurrent parts in each direction, per process: each is in memory several times."""
SLOT_SECONDS = 60.0
"""Longest wait of a part for its slot, if the caller has no deadline."""

P = TypeVar("P")


class BlobClient:
    """Puts and reads blobs."""

    def __init__(self, requester: StorageRequester) -> None:
        self._requester = requester
        self._puts = Slots(MAX_CONCURRENT_PARTS, timeout=SLOT_SECONDS, error=_too_many_parts)
        self._reads = Slots(MAX_CONCURRENT_PARTS, timeout=SLOT_SECONDS, error=_too_many_parts)

    async def put(self, data: bytes | memoryview) -> str:
        """Transfer a blob so that a record can refer to it. Return its SHA-256."""
        sha256 = await _sha256(data)
        await self._put_parts(sha256, data, range(0, len(data), PART_BYTES))
        return sha256

    async def put_except_last_part(self, data: bytes) -> pb.BlobPart:
        """Transfer a blob except its last part, and return that, for the unit of work that refers to the blob."""
        sha256 = await _sha256(data)
        *offsets, last = range(0, len(data), PART_BYTES)
        await self._put_parts(sha256, data, offsets)
        return _part(sha256, data, last)

    async def _put_parts(self, sha256: str, data: bytes | memoryview, offsets: Sequence[int]) -> None:
        if offsets and not await self._put_part(sha256, data, offsets[0]):
            await gather_all(self._put_part(sha256, data, offset) for offset in offsets[1:])

    async def _put_part(self, sha256: str, data: bytes | memoryview, offset: int) -> bool:
        """Return whether the whole blob is stored already."""
        async with self._puts.slot():
            part = _part(sha256, data, offset)
            request = pb.StoreRequest(storage_correlation_id=new_id(), blob_part=part)
            return (await self._requester.request(topology.STORE, request, pb.StoreResponse)).blob_part.committed

    async def read_all(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob. Raises RecordNotFound."""
        offsets = range(0, byte_size, PART_BYTES)
        return b"".join(await gather_all(self.read(sha256, offset, PART_BYTES) for offset in offsets))

    async def read(self, sha256: str, offset: int, limit: int) -> bytes:
        """Return a range of a blob, at most 1 MiB. Raises RecordNotFound."""
        blob_range = pb.BlobRange(sha256=sha256, offset=offset, limit=min(limit, PART_BYTES))
        request = pb.RetrieveRequest(storage_correlation_id=new_id(), blob_range=blob_range)
        async with self._reads.slot():
            return (await self._requester.request(topology.RETRIEVE, request, pb.RetrieveResponse)).data


async def _sha256(data: bytes | memoryview) -> str:
    return await HASHING.run(lambda: hashlib.sha256(data).hexdigest())


def _part(sha256: str, data: bytes | memoryview, offset: int) -> pb.BlobPart:
    part = bytes(data[offset : offset + PART_BYTES])
    return pb.BlobPart(sha256=sha256, byte_size=len(data), offset=offset, data=part)


async def gather_all(calls: Iterable[Coroutine[Any, Any, P]]) -> list[P]:
    """Return the results of all calls. The first call that fails raises and cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _too_many_parts() -> StorageServiceError:
    return StorageServiceError("too many blob parts are being transferred", retry_delay=SOON)
