"""Records of the Storage Service as values: what names them, and what they carry."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind

_KINDS = {
    "image": RecordKind.RECORD_KIND_IMAGE,
    "overlay": RecordKind.RECORD_KIND_OVERLAY,
    "theme": RecordKind.RECORD_KIND_THEME,
    "generation": RecordKind.RECORD_KIND_GENERATION,
    "cache_entry": RecordKind.RECORD_KIND_CACHE_ENTRY,
}


def kind(record: Record) -> RecordKind:
    """The record's kind. Raises KeyError for a record without a body."""
    return _KINDS[record.WhichOneof("body") or ""]


def resource(record: Record) -> Any:
    """The message in the record that has its `version`, `create_time` and `update_time`."""
    body = getattr(record, record.WhichOneof("body") or "")
    return body.generation if kind(record) == RecordKind.RECORD_KIND_GENERATION else body


def key(record: Record) -> RecordKey:
    """What names the record at its version."""
    body = resource(record)
    match kind(record):
        case RecordKind.RECORD_KIND_THEME:
            id_ = body.name
        case RecordKind.RECORD_KIND_CACHE_ENTRY:
            id_ = body.fingerprint
        case _:
            id_ = body.id
    return RecordKey(kind=kind(record), id=id_, version=body.version)


def derived_id(*parts: str) -> str:
    """A UUID that is always the same for the same parts: what is done again gets the id it had before."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


_NAMESPACE = uuid.UUID("5a1d0f0e-6a0c-5c3f-9d53-0d6f2f1c7b11")


def content_digest(request: Any) -> str:
    """Tells requests with the same `request_id` and other content apart. How long the caller waits is no content,
    nor which version it saw last: a request that is sent again may know a newer one."""
    same = type(request)()
    same.CopyFrom(request)
    for name in {"wait_for", "version"} & set(same.DESCRIPTOR.fields_by_name):
        same.ClearField(name)
    if "theme" in same.DESCRIPTOR.fields_by_name and isinstance(same.theme, Theme):
        same.theme.ClearField("version")
    named = f"{same.DESCRIPTOR.full_name}:".encode()
    return hashlib.sha256(named + same.SerializeToString(deterministic=True)).hexdigest()


def now() -> Timestamp:
    """The present time."""
    time = Timestamp()
    time.GetCurrentTime()
    return time
