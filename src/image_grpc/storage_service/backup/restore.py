"""Restoring a backup."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, TypeVar

from obstore.store import LocalStore, ObjectStore
from sqlalchemy import Connection, insert, select
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record

from image_grpc.storage_service.backup.files import BackupError, Manifest, read_manifest, read_stream
from image_grpc.storage_service.backup.objects import BlobMissing, copy_blob, referenced_blobs
from image_grpc.storage_service.blob_table import State
from image_grpc.storage_service.database import Database, insert_new, microseconds
from image_grpc.storage_service.record_rows import index_columns, name_of, to_row
from image_grpc.storage_service.schema import applied_request, blob, outbox, record, record_version

T = TypeVar("T")

ROWS = 500


async def restore(database: Database, store: ObjectStore, folder: Path) -> Manifest:
    """Restore a folder into an empty Storage Service. Raises BackupError.

    Blobs are copied first, then all rows are inserted in one transaction, so an interrupted restore can be
    repeated.
    """
    manifest = read_manifest(folder)
    await database.read(_require_empty)
    source = LocalStore(folder)
    for sha256, byte_size in referenced_blobs(folder / manifest.records.file):
        try:
            await copy_blob(source, store, sha256, byte_size)
        except BlobMissing as missing:
            raise BackupError(f"{missing} in {folder}") from missing
    await database.write(partial(_insert_all, folder, manifest))
    return manifest


def _require_empty(connection: Connection) -> None:
    for table in (record, record_version, blob, outbox, applied_request):
        if connection.execute(select(table).limit(1)).first() is not None:
            raise BackupError(f"the database is not empty: table {table.name} has rows")


def _insert_all(folder: Path, manifest: Manifest, connection: Connection) -> None:
    _require_empty(connection)
    versions = read_stream(folder / manifest.records.file, Record)
    histories = (list(history) for _, history in groupby(versions, key=lambda version: name_of(version.key)))
    for batch in _batches(histories, ROWS):
        connection.execute(insert(record), [_record_row(history[-1]) for history in batch])
        rows = [_version_row(version) for history in batch for version in history]
        connection.execute(insert(record_version), rows)
        if blobs := [_blob_row(each) for history in batch for each in history if each.HasField("blob")]:
            insert_new(connection, blob, blobs)
    for messages in _batches(read_stream(folder / manifest.messages.file, OutboundMessage), ROWS):
        rows = [{"claim_time": 0, "message": message.SerializeToString()} for message in messages]
        connection.execute(insert(outbox), rows)


def _record_row(latest: Record) -> dict[str, Any]:
    deleted = latest.HasField("delete_time")
    return {
        "kind": latest.key.kind,
        "id": latest.key.id,
        "version": latest.key.version,
        "create_time": latest.create_time.ToMicroseconds(),
        "delete_time": latest.delete_time.ToMicroseconds() if deleted else None,
        "purge_time": latest.purge_time.ToMicroseconds() if deleted else None,
        **index_columns(latest.index),
    }


def _version_row(version: Record) -> dict[str, Any]:
    create_time, update_time = version.create_time.ToMicroseconds(), version.update_time.ToMicroseconds()
    row = to_row(version, version=version.key.version, create_time=create_time, update_time=update_time)
    return row.columns()


def _blob_row(version: Record) -> dict[str, Any]:
    size = {"sha256": version.blob.sha256, "byte_size": version.blob.byte_size}
    return {**size, "state": State.COMMITTED, "touch_time": microseconds()}


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
