"""Counters."""

from alembic import op

revision = "counters"
down_revision = "initial"


def upgrade() -> None:
    connection = op.get_bind()
    schema = "image_storage_db." if connection.dialect.name == "postgresql" else ""
    connection.exec_driver_sql(
        f"CREATE TABLE {schema}counter ("
        "name VARCHAR(200) NOT NULL, value BIGINT NOT NULL, expire_time BIGINT NOT NULL, PRIMARY KEY (name))"
    )
    connection.exec_driver_sql(f"CREATE INDEX counter_by_expire_time ON {schema}counter (expire_time)")
