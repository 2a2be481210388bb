"""Records with their versions, blobs, applied requests, outbox."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, String

revision = "initial"
down_revision = None

SCHEMA = "image_storage_db"


def upgrade() -> None:
    _create_record()
    _create_record_version()
    op.create_table(
        "blob",
        Column("sha256", String(64), primary_key=True),
        Column("byte_size", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("touch_time", BigInteger, nullable=False),
        Index("blob_by_state", "state", "touch_time"),
        schema=SCHEMA,
    )
    op.create_table(
        "applied_request",
        Column("storage_correlation_id", String(36), primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("response", LargeBinary, nullable=False),
        Column("expire_time", BigInteger, nullable=False),
        Index("applied_request_by_expire_time", "expire_time"),
        schema=SCHEMA,
    )
    op.create_table(
        "outbox",
        Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("claim_time", BigInteger, nullable=False),
        Column("message", LargeBinary, nullable=False),
        Index("outbox_by_claim_time", "claim_time", "sequence"),
        schema=SCHEMA,
    )


def _create_record() -> None:
    op.create_table(
        "record",
        Column("kind", SmallInteger, primary_key=True, autoincrement=False),
        Column("id", String(64), primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("delete_time", BigInteger),
        Column("purge_time", BigInteger),
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
        schema=SCHEMA,
    )


def _create_record_version() -> None:
    op.create_table(
        "record_version",
        Column("kind", SmallInteger, primary_key=True, autoincrement=False),
        Column("id", String(64), primary_key=True),
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("update_time", BigInteger, nullable=False),
        Column("index_fields", LargeBinary, nullable=False),
        Column("body_type", String(200), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("blob_sha256", String(64), nullable=False),
        Column("blob_byte_size", BigInteger, nullable=False),
        Index("record_version_by_blob", "blob_sha256"),
        schema=SCHEMA,
    )
