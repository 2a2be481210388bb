"""Alembic's entry point: runs the migrations on the engine in the configuration's attributes."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Engine
from sqlalchemy.schema import CreateSchema

from image_grpc.storage_service.schema import SCHEMA, metadata

engine: Engine = context.config.attributes["engine"]
sqlite = engine.dialect.name == "sqlite"

with engine.connect() as connection, connection.begin():
    if not sqlite:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # Replicas that start together migrate one at a time.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5213477)")
        connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=None if sqlite else SCHEMA,
        include_schemas=not sqlite,
        transactional_ddl=False,  # the transaction above spans all migrations
    )
    context.run_migrations()
