"""Records with their versions, blobs, applied requests, outbox."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _schema() -> str | None:
    return None if op.get_context().dialect.name == "sqlite" else "image_storage_db"


def _column(name: str, type_: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, **{"nullable": False, **options})


def upgrade() -> None:
    schema = _schema()
    op.create_table(
        "record",
        _column("kind", sa.SmallInteger(), primary_key=True, autoincrement=False),
        _column("id", sa.String(64), primary_key=True),
        _column("version", sa.BigInteger()),
        _column("create_time", sa.BigInteger()),
        _column("update_time", sa.BigInteger()),
        _column("delete_time", sa.BigInteger(), nullable=True),
        _column("purge_time", sa.BigInteger(), nullable=True),
        _column("type", sa.SmallInteger()),
        _column("subtype", sa.SmallInteger()),
        _column("theme", sa.String(64)),
        _column("source_id", sa.String(36)),
        _column("service", sa.String(100)),
        _column("state", sa.SmallInteger()),
        _column("map_id", sa.String(36)),
        _column("body", sa.LargeBinary()),
        schema=schema,
    )
    for name, columns in {
        "record_by_time": ["kind"],
        "record_by_type": ["kind", "type", "subtype"],
        "record_by_theme": ["kind", "theme"],
        "record_by_source": ["kind", "source_id"],
        "record_by_service": ["kind", "service"],
        "record_by_state": ["kind", "state"],
        "record_by_map": ["kind", "map_id"],
    }.items():
        op.create_index(name, "record", [*columns, "create_time", "id"], schema=schema)
    op.create_index("record_by_purge_time", "record", ["purge_time"], schema=schema)
    op.create_table(
        "record_version",
        _column("kind", sa.SmallInteger(), primary_key=True, autoincrement=False),
        _column("id", sa.String(64), primary_key=True),
        _column("version", sa.BigInteger(), primary_key=True, autoincrement=False),
        _column("blob_sha256", sa.String(64)),
        _column("body", sa.LargeBinary()),
        schema=schema,
    )
    op.create_index("record_version_by_blob", "record_version", ["blob_sha256"], schema=schema)
    op.create_table(
        "blob",
        _column("sha256", sa.String(64), primary_key=True),
        _column("byte_size", sa.BigInteger()),
        _column("state", sa.SmallInteger()),
        _column("touch_time", sa.BigInteger()),
        schema=schema,
    )
    op.create_index("blob_by_state", "blob", ["state", "touch_time"], schema=schema)
    op.create_table(
        "applied_request",
        _column("storage_correlation_id", sa.String(36), primary_key=True),
        _column("digest", sa.LargeBinary()),
        _column("response", sa.LargeBinary()),
        _column("expire_time", sa.BigInteger()),
        schema=schema,
    )
    op.create_index("applied_request_by_expire_time", "applied_request", ["expire_time"], schema=schema)
    op.create_table(
        "outbox",
        _column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        _column("claim_time", sa.BigInteger()),
        _column("message", sa.LargeBinary()),
        schema=schema,
    )
    op.create_index("outbox_by_claim_time", "outbox", ["claim_time", "sequence"], schema=schema)


def downgrade() -> None:
    schema = _schema()
    for table in ("outbox", "applied_request", "blob", "record_version", "record"):
        op.drop_table(table, schema=schema)
