"""Reading and changing records within a transaction: read, put, delete, restore, purge."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, Update, bindparam, delete, insert, select, tuple_, update
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import Put, RecordKeys

from image_grpc.storage_service import record_rows
from image_grpc.storage_service.database import microseconds
from image_grpc.storage_service.errors import InvalidField, NotFound, VersionConflict
from image_grpc.storage_service.schema import record, record_version

# Built once: building a statement takes as long as running it.
_NAMED = tuple_(record.c.kind, record.c.id).in_(bindparam("names", expanding=True))
_LATEST = select(*record_rows.COLUMNS).join_from(record, record_version, record_rows.LATEST_VERSION).where(_NAMED)
_KEYED = tuple_(*record_version.c["kind", "id", "version"]).in_(bindparam("versions", expanding=True))
_EXACT = select(*record_rows.COLUMNS).join_from(record_version, record, record_rows.SAME_RECORD).where(_KEYED)
# Rows are locked in one order, so that two batches with the same records wait for each other instead of deadlocking.
_HEADS = select(*record.c["kind", "id", "version", "create_time", "delete_time"]).where(_NAMED)
_LOCK = _HEADS.order_by(record.c.kind, record.c.id).with_for_update()
_UPDATE = update(record).where(record.c.kind == bindparam("key_kind"), record.c.id == bindparam("key_id"))
_NOT_DELETED = {"delete_time": None, "purge_time": None}


APPEND_ONLY = frozenset([RecordKind.RECORD_KIND_AUDIT_ENTRY, RecordKind.RECORD_KIND_RENDITION])
"""Kinds whose records are created and never changed."""


class _Head(NamedTuple):
    """The state of an existing record that a change depends on."""

    version: int
    create_time: int
    delete_time: int | None


def read(connection: Connection, request: RecordKeys) -> list[Record]:
    """Return the records that exist, in the order of the keys."""
    names = sorted({(key.kind, key.id) for key in request.keys if not key.version})
    versions = sorted({(key.kind, key.id, key.version) for key in request.keys if key.version})
    latest = connection.execute(_LATEST, {"names": names}).mappings() if names else ()
    exact = connection.execute(_EXACT, {"versions": versions}).mappings() if versions else ()
    rows = {(row["kind"], row["id"], 0): row for row in latest}
    rows.update({(row["kind"], row["id"], row["version"]): row for row in exact})
    matches = (rows.get((key.kind, key.id, key.version)) for key in request.keys)
    return [
        record_rows.to_record(row) for row in matches if row and (request.include_deleted or row["delete_time"] is None)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedPuts:
    """The puts of a request, whose preconditions hold."""

    heads: dict[record_rows.Name, _Head]
    """The state of the records after the puts."""
    rows: dict[record_rows.Name, dict[str, Any]]
    """The new columns of `record`."""
    versions: list[dict[str, Any]]
    """The new rows of `record_version`, in the order of the puts."""


class Puts:
    """The puts of several requests, which see each other's effects and are written together.

    A put without a precondition restores a deleted record.
    """

    def __init__(self, connection: Connection, keys: Iterable[RecordKey]) -> None:
        """Lock the records that the requests put."""
        self._connection = connection
        self._heads = _lock(connection, keys)
        self._existing = set(self._heads)
        self._rows: dict[record_rows.Name, dict[str, Any]] = {}
        self._versions: list[dict[str, Any]] = []
        self._now = microseconds()

    def check(self, puts: Sequence[Put]) -> CheckedPuts:
        """Check the puts of a request, without any effect. Raises VersionConflict."""
        checked = CheckedPuts(heads={}, rows={}, versions=[])
        for each in puts:
            name = record_rows.name_of(each.record.key)
            previous = checked.heads.get(name) or self._heads.get(name)
            _check_precondition(each, previous)
            number, create_time = (previous.version + 1, previous.create_time) if previous else (1, self._now)
            checked.heads[name] = _Head(number, create_time, None)
            checked.versions.append(record_rows.version_columns(each.record, number, self._now))
            checked.rows[name] = {
                "version": number,
                "delete_time": None,
                "purge_time": each.expire_time.ToMicroseconds() if each.HasField("expire_time") else None,
                **record_rows.index_columns(each.record.index),
            }
        return checked

    def accept(self, checked: CheckedPuts) -> list[Record]:
        """Add the puts that were checked last, and return their records as stored."""
        self._heads.update(checked.heads)
        self._rows.update(checked.rows)
        self._versions += checked.versions
        return [self._stored(checked, version) for version in checked.versions]

    def _stored(self, checked: CheckedPuts, version: dict[str, Any]) -> Record:
        name = version["kind"], version["id"]
        times = {"create_time": self._heads[name].create_time, "purge_time": checked.rows[name]["purge_time"]}
        return record_rows.to_record({**version, **times, "delete_time": None})

    def write(self) -> None:
        """Write everything that was accepted."""
        rows = dict(sorted(self._rows.items()))  # in one order for all replicas
        changed = {name: row for name, row in rows.items() if name in self._existing}
        created = [
            {"kind": name[0], "id": name[1], "create_time": self._heads[name].create_time, **row}
            for name, row in rows.items()
            if name not in self._existing
        ]
        _execute(self._connection, insert(record), created)
        _update(self._connection, changed)
        _execute(self._connection, insert(record_version), self._versions)


def _check_precondition(request: Put, head: _Head | None) -> None:
    name = record_rows.display_name(*record_rows.name_of(request.record.key))
    must_be_absent = request.HasField("absent") or request.record.key.kind in APPEND_ONLY
    if must_be_absent and head is not None:
        raise VersionConflict(f"{name} already exists, at version {head.version}")
    if not request.HasField("at_version"):
        return
    if head is None or head.delete_time is not None:
        raise VersionConflict(f"{name} does not exist")
    if head.version != request.at_version:
        raise VersionConflict(f"{name} is at version {head.version}, not {request.at_version}")


def mark_deleted(connection: Connection, keys: Sequence[RecordKey], *, purge_after: float) -> tuple[list[Record], bool]:
    """Delete records, to be purged in `purge_after` seconds.

    Return them, and whether one was not deleted before. Raises NotFound, VersionConflict, InvalidField.
    """
    _require_changeable(keys, "keys")
    heads = _lock(connection, keys)
    for key in keys:
        head = _existing(heads, key)
        if key.version not in (0, head.version):
            name = record_rows.display_name(*record_rows.name_of(key))
            raise VersionConflict(f"{name} is at version {head.version}, not {key.version}")
    times = {"delete_time": microseconds(), "purge_time": microseconds(purge_after)}
    rows = {name: times for name, head in heads.items() if head.delete_time is None}
    _update(connection, rows)
    return _read_latest(connection, keys), bool(rows)


def restore(connection: Connection, keys: Sequence[RecordKey]) -> tuple[list[Record], bool]:
    """Restore deleted records; one that is not deleted stays as it is.

    Return them, and whether one was deleted. Raises NotFound, InvalidField.
    """
    _require_changeable(keys, "batch.undeletes")
    heads = _lock(connection, keys)
    for key in keys:
        _existing(heads, key)
    rows = {name: _NOT_DELETED for name, head in heads.items() if head.delete_time is not None}
    _update(connection, rows)
    return _read_latest(connection, keys), bool(rows)


def purge(connection: Connection, *, limit: int) -> tuple[int, set[str]]:
    """Remove up to `limit` records that are due. Return their number, and the SHA-256 of the blobs they referred to."""
    query = select(record.c.kind, record.c.id).where(record.c.purge_time < microseconds()).limit(limit)
    due = connection.execute(query).all()
    blobs: set[str] = set()
    for kind, id_ in due:
        versions = (record_version.c.kind == kind, record_version.c.id == id_)
        blobs.update(connection.execute(select(record_version.c.blob_sha256).where(*versions)).scalars())
        connection.execute(delete(record_version).where(*versions))
        connection.execute(delete(record).where(record.c.kind == kind, record.c.id == id_))
    return len(due), blobs - {""}


def _lock(connection: Connection, keys: Iterable[RecordKey]) -> dict[record_rows.Name, _Head]:
    """Lock and return those of the records that exist, deleted or not."""
    names = sorted({record_rows.name_of(key) for key in keys})
    rows = connection.execute(_LOCK, {"names": names}) if names else ()
    return {(row.kind, row.id): _Head(row.version, row.create_time, row.delete_time) for row in rows}


def _require_changeable(keys: Sequence[RecordKey], field: str) -> None:
    for index, key in enumerate(keys):
        if key.kind in APPEND_ONLY:
            name = record_rows.display_name(*record_rows.name_of(key))
            raise InvalidField(f"{field}[{index}]", f"{name} cannot be changed")


def _existing(heads: dict[record_rows.Name, _Head], key: RecordKey) -> _Head:
    head = heads.get(record_rows.name_of(key))
    if head is None:
        raise NotFound(f"{record_rows.display_name(*record_rows.name_of(key))} does not exist")
    return head


def _read_latest(connection: Connection, keys: Sequence[RecordKey]) -> list[Record]:
    latest = [RecordKey(kind=key.kind, id=key.id) for key in keys]
    return read(connection, RecordKeys(keys=latest, include_deleted=True))


def _update(connection: Connection, rows: dict[record_rows.Name, dict[str, Any]]) -> None:
    _execute(connection, _UPDATE, [{"key_kind": kind, "key_id": id_, **row} for (kind, id_), row in rows.items()])


def _execute(connection: Connection, statement: Insert | Update, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
