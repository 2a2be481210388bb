"""Records in the database: put, read, delete, restore. Functions over one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import Put

from image_grpc import records
from image_grpc.storage_service.database import microseconds
from image_grpc.storage_service.refusals import Conflict, NotFound
from image_grpc.storage_service.schema import record, record_version

# Made once: building a statement takes as long as running it.
_BY_KEY = select(record).where(record.c.kind == bindparam("key_kind"), record.c.id == bindparam("key_id"))
_BY_KEY_LOCKED = _BY_KEY.with_for_update()
_INSERT = insert(record)
_INSERT_VERSION = insert(record_version)
_UPDATE = update(record).where(record.c.kind == bindparam("key_kind"), record.c.id == bindparam("key_id"))


def put(connection: Connection, request: Put) -> Record:
    """Stores the next version of a record; answers it with its version and times set.

    A put without a precondition, or with one that the record meets, brings a deleted record back.
    """
    new = Record()
    new.CopyFrom(request.record)
    for part in (new, new.image) if new.HasField("image") else (new,):
        part.ClearField("delete_time")
        part.ClearField("purge_time")
    key = records.key(new)
    old = _row(connection, key, lock=True)
    _check(request, old, key)
    resource = records.resource(new)
    resource.version = old.version + 1 if old else 1
    now = microseconds()
    resource.update_time.FromMicroseconds(now)
    resource.create_time.FromMicroseconds(old.create_time if old else now)
    body = new.SerializeToString()
    columns = {
        "version": resource.version,
        "update_time": now,
        "delete_time": None,
        "purge_time": None,
        "body": body,
        **facets(new),
    }
    if old:
        connection.execute(_UPDATE, {"key_kind": key.kind, "key_id": key.id, **columns})
    else:
        connection.execute(_INSERT, {"kind": key.kind, "id": key.id, "create_time": now, **columns})
    version = {"kind": key.kind, "id": key.id, "version": resource.version}
    connection.execute(_INSERT_VERSION, {**version, "body": body, "blob_sha256": blob_of(new)})
    return new


def _check(request: Put, old: Row[Any] | None, key: RecordKey) -> None:
    name = f"{RecordKind.Name(key.kind)} {key.id}"
    at_version = request.at_version if request.HasField("at_version") else None
    if request.HasField("absent") and old is not None:
        raise Conflict(f"{name} exists already, at version {old.version}")
    if at_version is not None and (old is None or old.delete_time is not None):
        raise Conflict(f"{name} does not exist")
    if at_version is not None and old is not None and old.version != at_version:
        raise Conflict(f"{name} is at version {old.version}, not {at_version}")


def read(connection: Connection, keys: Sequence[RecordKey], *, include_deleted: bool) -> list[Record]:
    """The records that exist, in the order of the keys."""
    found = []
    for key in keys:
        row = _row(connection, key)
        if row is None or (row.delete_time is not None and not include_deleted):
            continue
        if key.version in (0, row.version):
            found.append(to_record(row))
            continue
        old = connection.execute(
            select(record_version.c.body).where(
                record_version.c.kind == key.kind,
                record_version.c.id == key.id,
                record_version.c.version == key.version,
            )
        ).scalar()
        if old is not None:
            found.append(with_times(Record.FromString(old), row.delete_time, row.purge_time))
    return found


def mark_deleted(connection: Connection, keys: Iterable[RecordKey], *, purge_after: float) -> list[Record]:
    """Deletes records until they are purged, `purge_after` seconds from now."""
    for key in keys:
        row = _row(connection, key, lock=True)
        if row is None:
            raise NotFound(f"{RecordKind.Name(key.kind)} {key.id} does not exist")
        if key.version not in (0, row.version):
            raise Conflict(f"{RecordKind.Name(key.kind)} {key.id} is at version {row.version}, not {key.version}")
        if row.delete_time is None:
            times = {"delete_time": microseconds(), "purge_time": microseconds(purge_after)}
            connection.execute(
                update(record).where(record.c.kind == key.kind, record.c.id == key.id).values(times)
            )
    return read(connection, [_newest(key) for key in keys], include_deleted=True)


def restore(connection: Connection, keys: Iterable[RecordKey]) -> list[Record]:
    """Restores deleted records; one that is not deleted stays as it is."""
    for key in keys:
        if _row(connection, key, lock=True) is None:
            raise NotFound(f"{RecordKind.Name(key.kind)} {key.id} does not exist")
        times = {"delete_time": None, "purge_time": None}
        connection.execute(update(record).where(record.c.kind == key.kind, record.c.id == key.id).values(times))
    return read(connection, [_newest(key) for key in keys], include_deleted=False)


def purge(connection: Connection, *, limit: int) -> tuple[int, set[str]]:
    """Removes records whose time is over, with all versions; answers how many, and the blobs that they named."""
    due = connection.execute(
        select(record.c.kind, record.c.id).where(record.c.purge_time < microseconds()).limit(limit)
    ).all()
    freed: set[str] = set()
    for kind, id_ in due:
        versions = (record_version.c.kind == kind, record_version.c.id == id_)
        freed |= set(connection.execute(select(record_version.c.blob_sha256).where(*versions)).scalars())
        connection.execute(delete(record_version).where(*versions))
        connection.execute(delete(record).where(record.c.kind == kind, record.c.id == id_))
    return len(due), freed - {""}


def blob_references(connection: Connection, sha256: str) -> int:
    """How many versions of records name the blob."""
    counted = select(func.count()).where(record_version.c.blob_sha256 == sha256)
    return connection.execute(counted).scalar_one()


def blob_of(of: Record) -> str:
    """Name of the blob that the record needs; empty if it needs none."""
    return of.image.content.sha256 if of.HasField("image") else ""


def to_record(row: Row[Any]) -> Record:
    """The record that a row of the table `record` holds."""
    return with_times(Record.FromString(row.body), row.delete_time, row.purge_time)


def with_times(found: Record, delete_time: int | None, purge_time: int | None) -> Record:
    """Sets when a record was deleted and will be purged, in the record and in an image's own fields."""
    for name, time in (("delete_time", delete_time), ("purge_time", purge_time)):
        if time is not None:
            stamp = Timestamp()
            stamp.FromMicroseconds(time)
            getattr(found, name).CopyFrom(stamp)
            if found.HasField("image"):
                getattr(found.image, name).CopyFrom(stamp)
    return found


def _row(connection: Connection, key: RecordKey, *, lock: bool = False) -> Row[Any] | None:
    query = _BY_KEY_LOCKED if lock else _BY_KEY
    return connection.execute(query, {"key_kind": key.kind, "key_id": key.id}).one_or_none()


def _newest(key: RecordKey) -> RecordKey:
    return RecordKey(kind=key.kind, id=key.id)


def facets(new: Record) -> dict[str, Any]:
    """The columns that listings filter by."""
    match new.WhichOneof("body"):
        case "image":
            image = new.image
            return {
                "type": image.type,
                "subtype": image.subtype,
                "theme": image.metadata.theme,
                "source_id": image.metadata.source_id,
                "service": image.metadata.service,
            }
        case "generation":
            facets = new.generation.facets
            return {
                "type": facets.type,
                "subtype": facets.subtype,
                "theme": facets.theme,
                "source_id": facets.source_id,
                "service": facets.service,
                "state": new.generation.generation.state,
            }
        case "overlay":
            return {"map_id": new.overlay.map_id}
        case "theme":
            return {"theme": new.theme.name}
        case _:
            return {}
