"""Tables of the schema `image_storage_db`. Times are microseconds since the epoch, UTC.

`record` has a row per record, with the values of its latest version that listings filter and order by;
`record_version` has a row per version, with the content.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table

SCHEMA = "image_storage_db"

metadata = MetaData(schema=SCHEMA)

record = Table(
    "record",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("delete_time", BigInteger),
    Column("purge_time", BigInteger),
    # The fields of tabletop.storage.v1.IndexFields, by their names.
    Column("type", String(32), nullable=False),
    Column("subtype", String(32), nullable=False),
    Column("theme", String(64), nullable=False),
    Column("source_id", String(36), nullable=False),
    Column("service", String(100), nullable=False),
    Column("state", String(32), nullable=False),
    Column("map_id", String(36), nullable=False),
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
    Column("id", String(64), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("update_time", BigInteger, nullable=False),
    # tabletop.storage.v1.IndexFields as they were put with this version
    Column("index_fields", LargeBinary, nullable=False),
    Column("body_type", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("blob_sha256", String(64), nullable=False),
    Column("blob_byte_size", BigInteger, nullable=False),
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

# SQLite autoincrements keys of type INTEGER (64 bits) only.
outbox = Table(
    "outbox",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("claim_time", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Index("outbox_by_claim_time", "claim_time", "sequence"),
)
