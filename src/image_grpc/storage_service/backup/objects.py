"""The blobs of a backup."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.store import ObjectStore
from tabletop.storage.v1.record_pb2 import Record

from image_grpc.storage_service.backup.files import BackupError, read_stream
from image_grpc.storage_service.object_store import blob_path

CHUNK_BYTES = 8 * 1024 * 1024


class BlobMissing(Exception):
    """A blob that a record refers to is not in the object store."""


def referenced_blobs(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the names and sizes of the blobs that the records in a file refer to, possibly repeatedly."""
    for record in read_stream(file, Record):
        if record.HasField("blob"):
            yield record.blob.sha256, record.blob.byte_size


async def copy_blob(source: ObjectStore, target: ObjectStore, sha256: str, byte_size: int) -> None:
    """Copy and verify a blob, unless the target has it already. Raises BlobMissing, BackupError."""
    path = blob_path(sha256)
    with contextlib.suppress(FileNotFoundError):
        if (await obstore.head_async(target, path))["size"] == byte_size:
            return
    try:
        content = await obstore.get_async(source, path)
    except FileNotFoundError as missing:
        raise BlobMissing(f"blob {sha256} is missing") from missing
    await obstore.put_async(target, path, _verified(content, sha256), chunk_size=CHUNK_BYTES)


async def _verified(content: obstore.GetResult, sha256: str) -> AsyncIterator[Any]:
    """Yield the bytes. An exception at their end keeps the object from being created."""
    digest = hashlib.sha256()
    async for chunk in content.stream(min_chunk_size=CHUNK_BYTES):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise BackupError(f"blob {sha256} is damaged")
