"""Creating a backup."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from obstore.store import LocalStore, ObjectStore
from sqlalchemy import Connection, select
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record

from image_grpc.storage_service.backup import files
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.record_rows import COLUMNS, SAME_RECORD, to_record
from image_grpc.storage_service.schema import outbox, record, record_version

ROWS = 500
MAX_SNAPSHOTS = 3
"""Snapshots that a purge may overtake before the backup fails."""


async def back_up(database: Database, store: ObjectStore, folder: Path) -> files.Manifest:
    """Back up into a folder. A previous backup of the same service is brought up to date.

    Raises BackupError if a blob is missing or damaged.
    """
    target = LocalStore(folder, mkdir=True)
    attempts = 0
    while True:
        manifest = await database.snapshot(partial(_snapshot, folder))
        try:
            await files.copy_blobs(store, target, folder / manifest.records.file)
            break
        except files.BlobMissing as missing:
            # Either purged since the snapshot, or lost: then the next snapshot refers to it, too.
            attempts += 1
            if attempts == MAX_SNAPSHOTS:
                raise files.BackupError(f"{missing}; see `image-grpc storage verify`") from missing
    files.write_manifest(folder, manifest)
    return manifest


def _snapshot(folder: Path, connection: Connection) -> files.Manifest:
    now = datetime.now(UTC)
    stamp = now.strftime("%Y%m%dT%H%M%S%fZ")
    return files.Manifest(
        format=files.FORMAT,
        time=now.isoformat(),
        records=files.write_stream(folder / f"records-{stamp}.binpb", _records(connection)),
        messages=files.write_stream(folder / f"messages-{stamp}.binpb", _messages(connection)),
    )


def _records(connection: Connection) -> Iterator[Record]:
    version = record_version.c
    query = select(*COLUMNS).join_from(record_version, record, SAME_RECORD)
    query = query.order_by(version.kind, version.id, version.version).execution_options(yield_per=ROWS)
    return map(to_record, connection.execute(query).mappings())


def _messages(connection: Connection) -> Iterator[OutboundMessage]:
    query = select(outbox.c.message).order_by(outbox.c.sequence).execution_options(yield_per=ROWS)
    return map(OutboundMessage.FromString, connection.execute(query).scalars())
