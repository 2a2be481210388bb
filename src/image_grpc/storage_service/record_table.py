"""Records in the database: put, read, delete, restore. Functions over one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, Insert, Row, Update, bindparam, delete, func, insert, select, tuple_, update
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import Put

from image_grpc import records
from image_grpc.storage_service.database import microseconds
from image_grpc.storage_service.refusals import Conflict, NotFound
from image_grpc.storage_service.schema import record, record_version

Name = tuple[int, str]
"""Kind and id of a record."""

# Made once: building a statement takes as long as running it.
_NAME = tuple_(record.c.kind, record.c.id)
_BY_NAME = select(
    record.c.kind, record.c.id, record.c.version, record.c.delete_time, record.c.purge_time, record.c.body
).where(_NAME.in_(bindparam("names", expanding=True)))
# In one order, so that two batches with the same records wait for each other instead of locking each other out.
_LOCK = (
    select(record.c.kind, record.c.id, record.c.version, record.c.create_time, record.c.delete_time)
    .where(_NAME.in_(bindparam("names", expanding=True)))
    .order_by(record.c.kind, record.c.id)
    .with_for_update()
)
_OLD_VERSIONS = select(
    record_version.c.kind, record_version.c.id, record_version.c.version, record_version.c.body
).where(
    tuple_(record_version.c.kind, record_version.c.id, record_version.c.version).in_(
        bindparam("versions", expanding=True)
    )
)
_INSERT = insert(record)
_INSERT_VERSION = insert(record_version)
_UPDATE = update(record).where(record.c.kind == bindparam("key_kind"), record.c.id == bindparam("key_id"))


class _Known(NamedTuple):
    """What a change has to know of a record that is there."""

    version: int
    create_time: int
    delete_time: int | None


def put(connection: Connection, puts: Sequence[Put]) -> list[Record]:
    """Stores the next versions of records; answers them with their versions and times set.

    A put without a precondition, or with one that the record meets, brings a deleted record back.
    """
    known = _lock(connection, [records.key(each.record) for each in puts])
    there, now = set(known), microseconds()
    stored: list[Record] = []
    rows: dict[Name, dict[str, Any]] = {}
    versions: list[dict[str, Any]] = []
    for request in puts:
        name = _name(records.key(request.record))
        new, known[name] = _next(request, known.get(name), now)
        content = {"version": known[name].version, "body": new.SerializeToString()}
        rows[name] = {"update_time": now, **_NOT_DELETED, **facets(new), **content}
        versions.append({"kind": name[0], "id": name[1], "blob_sha256": blob_of(new), **content})
        stored.append(new)
    created = {name: row | {"create_time": now} for name, row in rows.items() if name not in there}
    changed = {name: row for name, row in rows.items() if name in there}
    _execute(connection, _INSERT, [{"kind": kind, "id": id_, **row} for (kind, id_), row in created.items()])
    _execute(
        connection, _UPDATE, [{"key_kind": kind, "key_id": id_, **row} for (kind, id_), row in changed.items()]
    )
    _execute(connection, _INSERT_VERSION, versions)
    return stored


def _execute(connection: Connection, statement: Insert | Update, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _next(request: Put, old: _Known | None, now: int) -> tuple[Record, _Known]:
    """The record as it shall be stored. Raises Conflict."""
    new = Record()
    new.CopyFrom(request.record)
    for part in (new, new.image) if new.HasField("image") else (new,):
        part.ClearField("delete_time")
        part.ClearField("purge_time")
    _check(request, old, records.key(new))
    made = _Known(old.version + 1, old.create_time, None) if old else _Known(1, now, None)
    resource = records.resource(new)
    resource.version = made.version
    resource.update_time.FromMicroseconds(now)
    resource.create_time.FromMicroseconds(made.create_time)
    return new, made


def _check(request: Put, old: _Known | None, key: RecordKey) -> None:
    name = called(key)
    at_version = request.at_version if request.HasField("at_version") else None
    if request.HasField("absent") and old is not None:
        raise Conflict(f"{name} exists already, at version {old.version}")
    if at_version is not None and (old is None or old.delete_time is not None):
        raise Conflict(f"{name} does not exist")
    if at_version is not None and old is not None and old.version != at_version:
        raise Conflict(f"{name} is at version {old.version}, not {at_version}")


def read(connection: Connection, keys: Sequence[RecordKey], *, include_deleted: bool) -> list[Record]:
    """The records that exist, in the order of the keys."""
    names = sorted({_name(key) for key in keys})
    rows = {(row.kind, row.id): row for row in connection.execute(_BY_NAME, {"names": names})} if names else {}
    if not include_deleted:
        rows = {name: row for name, row in rows.items() if row.delete_time is None}
    wanted = [(rows.get(_name(key)), key.version) for key in keys]
    found = [(row, version) for row, version in wanted if row is not None]
    old = _old_versions(connection, [(row, version) for row, version in found if version not in (0, row.version)])
    answer = []
    for row, version in found:
        body = row.body if version in (0, row.version) else old.get((row.kind, row.id, version))
        if body is not None:
            answer.append(with_times(Record.FromString(body), row.delete_time, row.purge_time))
    return answer


def _old_versions(connection: Connection, wanted: Iterable[tuple[Any, int]]) -> dict[tuple[int, str, int], bytes]:
    """Records as they were at versions before their newest, those that exist."""
    versions = [(row.kind, row.id, version) for row, version in wanted]
    if not versions:
        return {}
    rows = connection.execute(_OLD_VERSIONS, {"versions": versions})
    return {(row.kind, row.id, row.version): row.body for row in rows}


def mark_deleted(connection: Connection, keys: Sequence[RecordKey], *, purge_after: float) -> list[Record]:
    """Deletes records until they are purged, `purge_after` seconds from now."""
    known = _lock(connection, keys)
    for key in keys:
        old = _there(known, key)
        if key.version not in (0, old.version):
            raise Conflict(f"{called(key)} is at version {old.version}, not {key.version}")
    times = {"delete_time": microseconds(), "purge_time": microseconds(purge_after)}
    _set_times(connection, [name for name, old in known.items() if old.delete_time is None], times)
    return read(connection, [_newest(key) for key in keys], include_deleted=True)


def restore(connection: Connection, keys: Sequence[RecordKey]) -> list[Record]:
    """Restores deleted records; one that is not deleted stays as it is."""
    known = _lock(connection, keys)
    for key in keys:
        _there(known, key)
    _set_times(connection, known, _NOT_DELETED)
    return read(connection, [_newest(key) for key in keys], include_deleted=False)


def _set_times(connection: Connection, names: Iterable[Name], times: dict[str, Any]) -> None:
    _execute(connection, _UPDATE, [{"key_kind": kind, "key_id": id_, **times} for kind, id_ in names])


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


def _lock(connection: Connection, keys: Iterable[RecordKey]) -> dict[Name, _Known]:
    """Locks those of the records that are there."""
    names = sorted({_name(key) for key in keys})
    rows = connection.execute(_LOCK, {"names": names}) if names else ()
    return {(row.kind, row.id): _Known(row.version, row.create_time, row.delete_time) for row in rows}


def _there(known: dict[Name, _Known], key: RecordKey) -> _Known:
    old = known.get(_name(key))
    if old is None:
        raise NotFound(f"{called(key)} does not exist")
    return old


def called(key: RecordKey) -> str:
    """A record's name for people: `image` and its id."""
    return f"{RecordKind.Name(key.kind).removeprefix('RECORD_KIND_').lower().replace('_', ' ')} {key.id}"


def _name(key: RecordKey) -> Name:
    return key.kind, key.id


def _newest(key: RecordKey) -> RecordKey:
    return RecordKey(kind=key.kind, id=key.id)


_NOT_DELETED = {"delete_time": None, "purge_time": None}
_NO_FACETS = {column.name: column.default.arg for column in record.c if column.default is not None}  # type: ignore[attr-defined]


def facets(of: Record) -> dict[str, Any]:
    """The columns that listings filter by, all of them."""
    return {**_NO_FACETS, **_facets(of)}


def _facets(new: Record) -> dict[str, Any]:
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
