"""Tables of the schema `image_storage_db`. Times are microseconds since the epoch, UTC.

Columns exist for whatever is filtered, joined or ordered by; the record itself is kept as its bytes.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table

SCHEMA = "image_storage_db"
MAX_ID = 64
"""Longest id of a record, in characters."""

metadata = MetaData(schema=SCHEMA)

record = Table(
    "record",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", String(MAX_ID), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Column("delete_time", BigInteger),
    Column("purge_time", BigInteger),
    Column("type", SmallInteger, nullable=False, default=0),
    Column("subtype", SmallInteger, nullable=False, default=0),
    Column("theme", String(64), nullable=False, default=""),
    Column("source_id", String(36), nullable=False, default=""),
    Column("service", String(100), nullable=False, default=""),
    Column("state", SmallInteger, nullable=False, default=0),
    Column("map_id", String(36), nullable=False, default=""),
    Column("body", LargeBinary, nullable=False),
    Index("record_by_time", "kind", "create_time", "id"),
    Index("record_by_type", "kind", "type", "subtype", "create_time", "id"),
    Index("record_by_theme", "kind", "theme", "create_time", "id"),
    Index("record_by_source", "kind", "source_id", "create_time", "id"),
    Index("record_by_service", "kind", "service", "create_time", "id"),
    Index("record_by_state", "kind", "state", "create_time", "id"),
    Index("record_by_map", "kind", "map_id", "create_time", "id"),
    Index("record_by_purge_time", "purge_time"),
)

record_version = Table(
    "record_version",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", String(MAX_ID), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("blob_sha256", String(64), nullable=False, default=""),
    Column("body", LargeBinary, nullable=False),
    Index("record_version_by_blob", "blob_sha256"),
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("byte_size", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("touch_time", BigInteger, nullable=False),
    Index("blob_by_state", "state", "touch_time"),
)

applied_request = Table(
    "applied_request",
    metadata,
    Column("storage_correlation_id", String(36), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("expire_time", BigInteger, nullable=False),
    Index("applied_request_by_expire_time", "expire_time"),
)

# BigInteger is no autoincrementing key in SQLite, Integer is (with 64 bits).
outbox = Table(
    "outbox",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("claim_time", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Index("outbox_by_claim_time", "claim_time", "sequence"),
)
