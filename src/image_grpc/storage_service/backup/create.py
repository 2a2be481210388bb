"""Creating a backup."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from obstore.store import LocalStore, ObjectStore
from sqlalchemy import Connection, select
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record

from image_grpc.storage_service.backup.files import FORMAT, BackupError, Manifest, write_manifest, write_stream
from image_grpc.storage_service.backup.objects import BlobMissing, copy_blob, referenced_blobs
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.record_rows import COLUMNS, SAME_RECORD, to_record
from image_grpc.storage_service.schema import outbox, record, record_version

ROWS = 500
MAX_SNAPSHOTS = 3
"""Snapshots that a purge may overtake before the backup fails."""


async def back_up(database: Database, store: ObjectStore, folder: Path) -> Manifest:
    """Back up into a folder. A previous backup of the same service is brought up to date.

    Raises BackupError if a blob is missing or damaged.
    """
    target = LocalStore(folder, mkdir=True)
    for attempt in range(1, MAX_SNAPSHOTS + 1):
        manifest = await database.snapshot(partial(_snapshot, folder))
        try:
            for sha256, byte_size in referenced_blobs(folder / manifest.records.file):
                await copy_blob(store, target, sha256, byte_size)
        except BlobMissing as missing:
            # Either purged since the snapshot, or lost: then the next snapshot refers to it, too.
            if attempt == MAX_SNAPSHOTS:
                raise BackupError(f"{missing}; see `image-grpc storage verify`") from missing
        else:
            write_manifest(folder, manifest)
            return manifest
    raise AssertionError("unreachable: the last attempt returns or raises")


def _snapshot(folder: Path, connection: Connection) -> Manifest:
    now = datetime.now(UTC)
    stamp = now.strftime("%Y%m%dT%H%M%S%fZ")
    return Manifest(
        format=FORMAT,
        time=now.isoformat(),
        records=write_stream(folder / f"records-{stamp}.binpb", _records(connection)),
        messages=write_stream(folder / f"messages-{stamp}.binpb", _messages(connection)),
    )


def _records(connection: Connection) -> Iterator[Record]:
    query = (
        select(*COLUMNS)
        .join_from(record_version, record, SAME_RECORD)
        .order_by(record_version.c.kind, record_version.c.id, record_version.c.version)
    )
    for row in connection.execution_options(yield_per=ROWS).execute(query):
        yield to_record(row)


def _messages(connection: Connection) -> Iterator[OutboundMessage]:
    query = select(outbox.c.message).order_by(outbox.c.sequence)
    for message in connection.execution_options(yield_per=ROWS).execute(query).scalars():
        yield OutboundMessage.FromString(message)
