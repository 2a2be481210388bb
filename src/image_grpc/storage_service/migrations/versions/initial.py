"""Records with their versions, blobs, applied requests, outbox."""

from pathlib import Path

from alembic import op

revision = "initial"
down_revision = None

_DIALECT = {
    "sqlite": {"schema": "", "bytes": "BLOB", "sequence": "INTEGER"},
    "postgresql": {"schema": "image_storage_db.", "bytes": "BYTEA", "sequence": "BIGSERIAL"},
}


def upgrade() -> None:
    connection = op.get_bind()
    script = Path(__file__).with_suffix(".sql").read_text().format(**_DIALECT[connection.dialect.name])
    for statement in filter(str.strip, script.split(";")):
        connection.exec_driver_sql(statement)
