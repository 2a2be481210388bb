"""Records with index fields and opaque bodies, which the contract got before the first release."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from image_grpc.storage_service.database import IncompatibleDatabase

revision = "0002"
down_revision = "0001"


def _schema() -> str | None:
    return None if op.get_context().dialect.name == "sqlite" else "image_storage_db"


def _column(name: str, type_: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, **{"nullable": False, **options})


def upgrade() -> None:
    schema = _schema()
    connection = op.get_bind()
    record = sa.table("record", sa.column("id"), schema=schema)
    if connection.execute(sa.select(record.c.id).limit(1)).first() is not None:
        raise IncompatibleDatabase(
            "this database was written by a pre-release version of image-grpc; "
            "export nothing, start with an empty database or folder"
        )
    # Responses and messages of the pre-release cannot be read either; they concern records that were purged.
    for name in ("applied_request", "outbox"):
        connection.execute(sa.delete(sa.table(name, schema=schema)))
    op.drop_table("record_version", schema=schema)
    op.drop_table("record", schema=schema)
    _create_record(schema)
    _create_record_version(schema)


def _create_record(schema: str | None) -> None:
    op.create_table(
        "record",
        _column("kind", sa.SmallInteger(), primary_key=True, autoincrement=False),
        _column("id", sa.String(64), primary_key=True),
        _column("version", sa.BigInteger()),
        _column("create_time", sa.BigInteger()),
        _column("delete_time", sa.BigInteger(), nullable=True),
        _column("purge_time", sa.BigInteger(), nullable=True),
        _column("type", sa.String(32)),
        _column("subtype", sa.String(32)),
        _column("theme", sa.String(64)),
        _column("source_id", sa.String(36)),
        _column("service", sa.String(100)),
        _column("state", sa.String(32)),
        _column("map_id", sa.String(36)),
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


def _create_record_version(schema: str | None) -> None:
    op.create_table(
        "record_version",
        _column("kind", sa.SmallInteger(), primary_key=True, autoincrement=False),
        _column("id", sa.String(64), primary_key=True),
        _column("version", sa.BigInteger(), primary_key=True, autoincrement=False),
        _column("update_time", sa.BigInteger()),
        _column("index_fields", sa.LargeBinary()),
        _column("body_type", sa.String(200)),
        _column("body", sa.LargeBinary()),
        _column("blob_sha256", sa.String(64)),
        _column("blob_byte_size", sa.BigInteger()),
        schema=schema,
    )
    op.create_index("record_version_by_blob", "record_version", ["blob_sha256"], schema=schema)


def downgrade() -> None:
    raise NotImplementedError("there is no way back to the pre-release schema")
