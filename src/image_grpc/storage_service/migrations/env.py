"""Alembic's entry point: runs the migrations on the connection in the configuration's attributes."""

from alembic import context
from sqlalchemy import Connection

from image_grpc.storage_service.schema import SCHEMA

connection: Connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    version_table_schema=None if connection.dialect.name == "sqlite" else SCHEMA,
    transactional_ddl=False,  # the transaction that the caller began spans all migrations
)
context.run_migrations()
