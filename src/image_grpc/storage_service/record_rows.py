"""Conversion between records and the rows of `record` and `record_version`."""

from typing import Any, NamedTuple

from sqlalchemy import Row
from tabletop.storage.v1.record_pb2 import BlobReference, IndexFields, Record, RecordKey, RecordKind

from image_grpc.idempotency import derived_id
from image_grpc.storage_service.object_store import blob_path
from image_grpc.storage_service.schema import record, record_version

Name = tuple[RecordKind, str]
"""Kind and id of a record."""
INDEX_NAMES = tuple(field.name for field in IndexFields.DESCRIPTOR.fields)

SAME_RECORD = (record.c.kind == record_version.c.kind) & (record.c.id == record_version.c.id)
LATEST_VERSION = SAME_RECORD & (record.c.version == record_version.c.version)
"""Joins a record with its latest version only."""
COLUMNS = (
    record.c.kind,
    record.c.id,
    record_version.c.version,
    record.c.create_time,
    record_version.c.update_time,
    record.c.delete_time,
    record.c.purge_time,
    record_version.c.index_fields,
    record_version.c.body_type,
    record_version.c.body,
    record_version.c.blob_sha256,
    record_version.c.blob_byte_size,
)
"""What a query selects for `to_record`."""


class VersionRow(NamedTuple):
    """A version of a record, in the order of COLUMNS."""

    kind: RecordKind
    id: str
    version: int
    create_time: int
    update_time: int
    delete_time: int | None
    purge_time: int | None
    index_fields: bytes
    body_type: str
    body: bytes
    blob_sha256: str
    """Empty if the version refers to no blob."""
    blob_byte_size: int

    def columns(self) -> dict[str, Any]:
        """Return the values of the table `record_version`."""
        return {column.name: getattr(self, column.name) for column in record_version.c}


def to_record(row: VersionRow | Row[*tuple[Any, ...]]) -> Record:
    """Return the record in a row with COLUMNS, with everything that the Storage Service assigns."""
    message = Record(
        key=RecordKey(kind=row.kind, id=row.id, version=row.version),
        body_type=row.body_type,
        body=row.body,
        storage_id=derived_id("storage", row.id),
    )
    if row.index_fields:
        message.index.ParseFromString(row.index_fields)
    if row.blob_sha256:
        path = blob_path(row.blob_sha256)
        message.blob.CopyFrom(BlobReference(sha256=row.blob_sha256, byte_size=row.blob_byte_size, path=path))
    message.create_time.FromMicroseconds(row.create_time)
    message.update_time.FromMicroseconds(row.update_time)
    if row.delete_time is not None:
        message.delete_time.FromMicroseconds(row.delete_time)
    if row.purge_time is not None:
        message.purge_time.FromMicroseconds(row.purge_time)
    return message


def to_row(message: Record, *, version: int, create_time: int, update_time: int) -> VersionRow:
    """Return the row of a record that is not deleted."""
    return VersionRow(
        kind=message.key.kind,
        id=message.key.id,
        version=version,
        create_time=create_time,
        update_time=update_time,
        delete_time=None,
        purge_time=None,
        index_fields=message.index.SerializeToString(deterministic=True),
        body_type=message.body_type,
        body=message.body,
        blob_sha256=message.blob.sha256,
        blob_byte_size=message.blob.byte_size,
    )


def index_columns(index: IndexFields) -> dict[str, str]:
    """Return the columns that listings filter by."""
    return {name: getattr(index, name) for name in INDEX_NAMES}


def name_of(key: RecordKey) -> Name:
    """Return the kind and the id in a key."""
    return key.kind, key.id


def display_name(kind: RecordKind, id_: str) -> str:
    """Return a record's name for people, for example `cache entry 1a2b3c`."""
    return f"{RecordKind.Name(kind).removeprefix('RECORD_KIND_').lower().replace('_', ' ')} {id_}"
