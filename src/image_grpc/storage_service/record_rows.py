"""Conversion between records and the rows of `record` and `record_version`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping
from tabletop.storage.v1.record_pb2 import BlobReference, IndexFields, Record, RecordKey, RecordKind

from image_grpc.idempotency import derived_id
from image_grpc.messages import enum_label
from image_grpc.storage_service.object_store import blob_path
from image_grpc.storage_service.schema import record, record_version

Name = tuple[RecordKind, str]
"""Kind and id of a record."""
INDEX_NAMES = tuple(field.name for field in IndexFields.DESCRIPTOR.fields)

SAME_RECORD = (record.c.kind == record_version.c.kind) & (record.c.id == record_version.c.id)
LATEST_VERSION = SAME_RECORD & (record.c.version == record_version.c.version)
"""Joins a record with its latest version only."""
COLUMNS = (*record_version.c, record.c.create_time, record.c.delete_time, record.c.purge_time)
"""What a query selects for `to_record`."""


def to_record(row: RowMapping | Mapping[str, Any]) -> Record:
    """Return the record in a row with COLUMNS, with everything that the Storage Service assigns."""
    message = Record(
        key=RecordKey(kind=row["kind"], id=row["id"], version=row["version"]),
        index=IndexFields.FromString(row["index_fields"]) if row["index_fields"] else None,
        body_type=row["body_type"],
        body=row["body"],
        storage_id=derived_id("storage", row["id"]),
    )
    if sha256 := row["blob_sha256"]:
        message.blob.CopyFrom(BlobReference(sha256=sha256, byte_size=row["blob_byte_size"], path=blob_path(sha256)))
    for name in ("create_time", "update_time", "delete_time", "purge_time"):
        if row[name] is not None:
            getattr(message, name).FromMicroseconds(row[name])
    return message


def version_columns(message: Record, *, version: int, update_time: int) -> dict[str, Any]:
    """Return the row of `record_version` for a record; `blob_sha256` is empty if it refers to no blob."""
    return {
        "kind": message.key.kind,
        "id": message.key.id,
        "version": version,
        "update_time": update_time,
        "index_fields": message.index.SerializeToString(deterministic=True),
        "body_type": message.body_type,
        "body": message.body,
        "blob_sha256": message.blob.sha256,
        "blob_byte_size": message.blob.byte_size,
    }


def index_columns(index: IndexFields) -> dict[str, str]:
    """Return the columns that listings filter by."""
    return {name: getattr(index, name) for name in INDEX_NAMES}


def name_of(key: RecordKey) -> Name:
    """Return the kind and the id in a key."""
    return key.kind, key.id


def display_name(kind: RecordKind, id_: str) -> str:
    """Return a record's name for people, for example `cache entry 1a2b3c`."""
    return f"{enum_label(RecordKind, kind).replace('_', ' ')} {id_}"
