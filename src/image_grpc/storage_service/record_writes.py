"""Changing records within a transaction: put, delete, restore, purge."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, Update, bindparam, delete, insert, select, tuple_, update
from tabletop.storage.v1.record_pb2 import Record, RecordKey
from tabletop.storage.v1.storage_pb2 import Put, RecordKeys

from image_grpc.storage_service import record_reads
from image_grpc.storage_service.database import microseconds
from image_grpc.storage_service.errors import NotFound, VersionConflict
from image_grpc.storage_service.record_rows import Name, display_name, index_columns, name_of, to_record, to_row
from image_grpc.storage_service.schema import record, record_version

# Built once: building a statement takes as long as running it. Rows are locked in one order, so that two batches
# with the same records wait for each other instead of deadlocking.
_LOCK = (
    select(record.c.kind, record.c.id, record.c.version, record.c.create_time, record.c.delete_time)
    .where(tuple_(record.c.kind, record.c.id).in_(bindparam("names", expanding=True)))
    .order_by(record.c.kind, record.c.id)
    .with_for_update()
)
_INSERT = insert(record)
_INSERT_VERSION = insert(record_version)
_UPDATE = update(record).where(record.c.kind == bindparam("key_kind"), record.c.id == bindparam("key_id"))
_NOT_DELETED = {"delete_time": None, "purge_time": None}


class _Head(NamedTuple):
    """The state of an existing record that a change depends on."""

    version: int
    create_time: int
    delete_time: int | None


class Purged(NamedTuple):
    """What a purge removed."""

    records: int
    """Number of records."""
    blobs: set[str]
    """SHA-256 of the blobs that they referred to."""


def put(connection: Connection, puts: Sequence[Put]) -> list[Record]:
    """Store the next versions of records and return them as stored. Raises VersionConflict.

    A put without a precondition restores a deleted record.
    """
    heads = _lock(connection, (each.record.key for each in puts))
    existing, now = set(heads), microseconds()
    rows: dict[Name, dict[str, Any]] = {}
    versions = []
    for each in puts:
        name = name_of(each.record.key)
        _check_precondition(each, heads.get(name))
        heads[name] = head = _next_head(heads.get(name), now)
        version = to_row(each.record, version=head.version, create_time=head.create_time, update_time=now)
        versions.append(version)
        rows[name] = {"version": head.version, **_NOT_DELETED, **index_columns(each.record.index)}
    created = [
        {"kind": kind, "id": id_, "create_time": now, **row}
        for (kind, id_), row in rows.items()
        if (kind, id_) not in existing
    ]
    _execute(connection, _INSERT, created)
    _update(connection, {name: row for name, row in rows.items() if name in existing})
    _execute(connection, _INSERT_VERSION, [version.columns() for version in versions])
    return [to_record(version) for version in versions]


def _next_head(head: _Head | None, now: int) -> _Head:
    return _Head(1, now, None) if head is None else _Head(head.version + 1, head.create_time, None)


def _check_precondition(request: Put, head: _Head | None) -> None:
    name = display_name(*name_of(request.record.key))
    if request.HasField("absent") and head is not None:
        raise VersionConflict(f"{name} already exists, at version {head.version}")
    if not request.HasField("at_version"):
        return
    if head is None or head.delete_time is not None:
        raise VersionConflict(f"{name} does not exist")
    if head.version != request.at_version:
        raise VersionConflict(f"{name} is at version {head.version}, not {request.at_version}")


def mark_deleted(connection: Connection, keys: Sequence[RecordKey], *, purge_after: float) -> list[Record]:
    """Delete records, to be purged in `purge_after` seconds, and return them. Raises NotFound, VersionConflict."""
    heads = _lock(connection, keys)
    for key in keys:
        head = _existing(heads, key)
        if key.version not in (0, head.version):
            name = display_name(*name_of(key))
            raise VersionConflict(f"{name} is at version {head.version}, not {key.version}")
    times = {"delete_time": microseconds(), "purge_time": microseconds(purge_after)}
    _update(connection, {name: times for name, head in heads.items() if head.delete_time is None})
    return _read_latest(connection, keys)


def restore(connection: Connection, keys: Sequence[RecordKey]) -> list[Record]:
    """Restore deleted records and return them; one that is not deleted stays as it is. Raises NotFound."""
    heads = _lock(connection, keys)
    for key in keys:
        _existing(heads, key)
    _update(connection, dict.fromkeys(heads, _NOT_DELETED))
    return _read_latest(connection, keys)


def purge(connection: Connection, *, limit: int) -> Purged:
    """Remove up to `limit` deleted records that are due, with all their versions."""
    due = connection.execute(
        select(record.c.kind, record.c.id).where(record.c.purge_time < microseconds()).limit(limit)
    ).all()
    blobs: set[str] = set()
    for kind, id_ in due:
        versions = (record_version.c.kind == kind, record_version.c.id == id_)
        blobs |= set(connection.execute(select(record_version.c.blob_sha256).where(*versions)).scalars())
        connection.execute(delete(record_version).where(*versions))
        connection.execute(delete(record).where(record.c.kind == kind, record.c.id == id_))
    return Purged(len(due), blobs - {""})


def _lock(connection: Connection, keys: Iterable[RecordKey]) -> dict[Name, _Head]:
    """Lock and return those of the records that exist, deleted or not."""
    names = sorted({name_of(key) for key in keys})
    rows = connection.execute(_LOCK, {"names": names}) if names else ()
    return {(row.kind, row.id): _Head(row.version, row.create_time, row.delete_time) for row in rows}


def _existing(heads: dict[Name, _Head], key: RecordKey) -> _Head:
    head = heads.get(name_of(key))
    if head is None:
        raise NotFound(f"{display_name(*name_of(key))} does not exist")
    return head


def _read_latest(connection: Connection, keys: Sequence[RecordKey]) -> list[Record]:
    latest = [RecordKey(kind=key.kind, id=key.id) for key in keys]
    return record_reads.read(connection, RecordKeys(keys=latest, include_deleted=True))


def _update(connection: Connection, rows: dict[Name, dict[str, Any]]) -> None:
    _execute(connection, _UPDATE, [{"key_kind": kind, "key_id": id_, **row} for (kind, id_), row in rows.items()])


def _execute(connection: Connection, statement: Insert | Update, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
