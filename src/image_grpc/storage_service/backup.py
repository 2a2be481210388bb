"""Backups: copy a Storage Service into a folder, and a folder into an empty Storage Service of any kind.

The folder holds

- `backup.json`: format, time, and names of the two files below with their counts and SHA-256; written last;
- `records-<time>.binpb`: messages `tabletop.storage.v1.Record`, each after its length as a varint. The versions of
  a record follow each other, the oldest first;
- `messages-<time>.binpb`: messages `tabletop.hub.v1.OutboundMessage` that were not published yet, likewise;
- `blobs/ab/abcdef…`: the blobs, by SHA-256. Existing ones are not copied again.

Records and messages are a snapshot of one moment. The memory that a backup needs does not depend on its size.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, TypeVar

from obstore.store import LocalStore, ObjectStore
from sqlalchemy import Connection, insert, select, tuple_
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import BlobReference, Record

from image_grpc.storage_service import backup_files as files
from image_grpc.storage_service import record_rows
from image_grpc.storage_service.backup_files import BackupError, Manifest
from image_grpc.storage_service.blobs import State
from image_grpc.storage_service.database import Database, insert_new, microseconds
from image_grpc.storage_service.schema import blob, metadata, outbox, record, record_version

__all__ = ["BackupError", "Manifest", "back_up", "restore"]

T = TypeVar("T")

ROWS = 500
MAX_SNAPSHOTS = 3
"""Snapshots that a purge may overtake before the backup fails."""


async def back_up(database: Database, store: ObjectStore, folder: Path) -> Manifest:
    """Create or update the backup in a folder.

    Raises BackupError, and keeps an earlier backup, if a blob is missing or damaged, or if the folder has the backup
    of another Storage Service.
    """
    await database.read(partial(_require_same_service, folder))
    target = LocalStore(folder, mkdir=True)
    for _ in range(MAX_SNAPSHOTS):
        manifest = await database.snapshot(partial(_snapshot, folder))
        try:
            await files.copy_blobs(store, target, folder / manifest.records.file)
        except files.BlobMissing as missing:
            problem = missing  # either purged since the snapshot, or lost: then the next snapshot refers to it, too
            files.remove_streams(folder, manifest)
        except BaseException:
            files.remove_streams(folder, manifest)
            raise
        else:
            files.write_manifest(folder, manifest)
            return manifest
    raise BackupError(f"{problem}; see `image-grpc storage verify`") from problem


def _require_same_service(folder: Path, connection: Connection) -> None:
    """Raise BackupError if the folder's backup has records, but the database has none of its first ones."""
    names = (name for name, _ in groupby(record_rows.name_of(stored.key) for stored in files.previous_records(folder)))
    keys = list(islice(names, ROWS))
    same = select(record.c.id).where(tuple_(record.c.kind, record.c.id).in_(keys)).limit(1)
    if keys and connection.execute(same).first() is None:
        raise BackupError(
            f"{folder} has the backup of another Storage Service: the database has none of its records; "
            "use another folder, or check the URL of the database"
        )


def _snapshot(folder: Path, connection: Connection) -> Manifest:
    now = datetime.now(UTC)
    stamp = now.strftime("%Y%m%dT%H%M%S%fZ")
    return Manifest(
        format=files.FORMAT,
        time=now.isoformat(),
        records=files.write_stream(folder / f"records-{stamp}.binpb", _records(connection)),
        messages=files.write_stream(folder / f"messages-{stamp}.binpb", _messages(connection)),
    )


def _records(connection: Connection) -> Iterator[Record]:
    version = record_version.c
    query = select(*record_rows.COLUMNS).join_from(record_version, record, record_rows.SAME_RECORD)
    query = query.order_by(version.kind, version.id, version.version).execution_options(yield_per=ROWS)
    return map(record_rows.to_record, connection.execute(query).mappings())


def _messages(connection: Connection) -> Iterator[OutboundMessage]:
    query = select(outbox.c.message).order_by(outbox.c.sequence).execution_options(yield_per=ROWS)
    return map(OutboundMessage.FromString, connection.execute(query).scalars())


async def restore(database: Database, store: ObjectStore, folder: Path) -> Manifest:
    """Restore a folder into an empty Storage Service. Raises BackupError.

    An interrupted restore can be repeated: blobs are copied first, then all rows are inserted in one transaction.
    """
    manifest = files.read_manifest(folder)
    await database.read(_require_empty)
    try:
        await files.copy_blobs(LocalStore(folder), store, folder / manifest.records.file)
    except files.BlobMissing as missing:
        raise BackupError(f"{missing} in {folder}") from missing
    await database.write(partial(_insert_all, folder, manifest))
    return manifest


def _require_empty(connection: Connection) -> None:
    for table in metadata.tables.values():
        if connection.execute(select(table).limit(1)).first() is not None:
            raise BackupError(f"the database is not empty: table {table.name} has rows")


def _insert_all(folder: Path, manifest: Manifest, connection: Connection) -> None:
    _require_empty(connection)
    stored = files.read_stream(folder / manifest.records.file, Record)
    histories = (list(history) for _, history in groupby(stored, key=lambda version: record_rows.name_of(version.key)))
    for batch in _batches(histories, ROWS):
        connection.execute(insert(record), [_record_row(history[-1]) for history in batch])
        versions = [version for history in batch for version in history]
        rows = [
            record_rows.version_columns(each, each.key.version, each.update_time.ToMicroseconds()) for each in versions
        ]
        connection.execute(insert(record_version), rows)
        if blobs := [_blob_row(version.blob) for version in versions if version.HasField("blob")]:
            insert_new(connection, blob, blobs)
    for messages in _batches(files.read_stream(folder / manifest.messages.file, OutboundMessage), ROWS):
        rows = [{"claim_time": 0, "message": message.SerializeToString()} for message in messages]
        connection.execute(insert(outbox), rows)


def _record_row(latest: Record) -> dict[str, Any]:
    times = {
        name: getattr(latest, name).ToMicroseconds() if latest.HasField(name) else None
        for name in ("create_time", "delete_time", "purge_time")
    }
    key = {"kind": latest.key.kind, "id": latest.key.id, "version": latest.key.version}
    return {**key, **times, **record_rows.index_columns(latest.index)}


def _blob_row(reference: BlobReference) -> dict[str, Any]:
    size = {"sha256": reference.sha256, "byte_size": reference.byte_size}
    return {**size, "state": State.COMMITTED, "touch_time": microseconds()}


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
