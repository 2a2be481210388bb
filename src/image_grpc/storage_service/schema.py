"""Tables of the schema `image_storage_db`, and their creation and migration. Times are microseconds since 1970, UTC.

`record` has a row per record, with the values of its latest version that listings filter and order by;
`record_version` has a row per version, with the content.
"""

import threading

import sqlalchemy as sa

from image_grpc.storage_service.errors import IncompatibleDatabase

SCHEMA = "image_storage_db"
REVISION = "counters"
"""The newest revision in `migrations/versions`, which creates the tables below."""

_ALEMBIC = threading.Lock()
"""Alembic passes the context of a migration in a global variable: one migration at a time in a process."""

metadata = sa.MetaData(schema=SCHEMA)

record = sa.Table(
    "record",
    metadata,
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.BigInteger, nullable=False),
    sa.Column("delete_time", sa.BigInteger),
    sa.Column("purge_time", sa.BigInteger),
    # The fields of tabletop.storage.v1.IndexFields, by their names.
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("subtype", sa.String(32), nullable=False),
    sa.Column("theme", sa.String(64), nullable=False),
    sa.Column("source_id", sa.String(36), nullable=False),
    sa.Column("service", sa.String(100), nullable=False),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("map_id", sa.String(36), nullable=False),
    sa.Index("record_by_time", "kind", "create_time", "id"),
    sa.Index("record_by_type", "kind", "type", "subtype", "create_time", "id"),
    sa.Index("record_by_theme", "kind", "theme", "create_time", "id"),
    sa.Index("record_by_source", "kind", "source_id", "create_time", "id"),
    sa.Index("record_by_service", "kind", "service", "create_time", "id"),
    sa.Index("record_by_state", "kind", "state", "create_time", "id"),
    sa.Index("record_by_map", "kind", "map_id", "create_time", "id"),
    sa.Index("record_by_purge_time", "purge_time"),
)

record_version = sa.Table(
    "record_version",
    metadata,
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("update_time", sa.BigInteger, nullable=False),
    # tabletop.storage.v1.IndexFields as they were put with this version
    sa.Column("index_fields", sa.LargeBinary, nullable=False),
    sa.Column("body_type", sa.String(200), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("blob_sha256", sa.String(64), nullable=False),
    sa.Column("blob_byte_size", sa.BigInteger, nullable=False),
    sa.Index("record_version_by_blob", "blob_sha256"),
)

blob = sa.Table(
    "blob",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("byte_size", sa.BigInteger, nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("touch_time", sa.BigInteger, nullable=False),
    sa.Index("blob_by_state", "state", "touch_time"),
)

applied_request = sa.Table(
    "applied_request",
    metadata,
    sa.Column("storage_correlation_id", sa.String(36), primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("response", sa.LargeBinary, nullable=False),
    sa.Column("expire_time", sa.BigInteger, nullable=False),
    sa.Index("applied_request_by_expire_time", "expire_time"),
)

counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    sa.Column("expire_time", sa.BigInteger, nullable=False),
    sa.Index("counter_by_expire_time", "expire_time"),
)

# SQLite autoincrements keys of type INTEGER (64 bits) only.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("claim_time", sa.BigInteger, nullable=False),
    sa.Column("message", sa.LargeBinary, nullable=False),
    sa.Index("outbox_by_claim_time", "claim_time", "sequence"),
)

_alembic_version = sa.Table(
    "alembic_version",
    sa.MetaData(schema=SCHEMA),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def migrate(connection: sa.Connection) -> None:
    """Create the schema in an empty database, or migrate it, within a transaction. Raises IncompatibleDatabase."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        # Replicas that start together migrate one at a time.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5213477)")
        connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
    _alembic_version.create(connection, checkfirst=True)
    revision = connection.execute(sa.select(_alembic_version.c.version_num)).scalar_one_or_none()
    if revision == REVISION:
        return
    if revision in ("0001", "0002") or _has_pre_release_records(connection):
        raise IncompatibleDatabase(
            "this database was written by a pre-release version of image-grpc and cannot be migrated; "
            "start with an empty database or folder"
        )
    if revision is None:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(sa.insert(_alembic_version).values(version_num=REVISION))
    else:
        upgrade(connection)


def require_current(connection: sa.Connection) -> None:
    """Raise IncompatibleDatabase unless the schema exists and is that of this version. Changes nothing."""
    schema = None if connection.dialect.name == "sqlite" else SCHEMA
    if not sa.inspect(connection).has_table(_alembic_version.name, schema=schema):
        raise IncompatibleDatabase("this is not a database of the Storage Service: it has none of its tables")
    revision = connection.execute(sa.select(_alembic_version.c.version_num)).scalar_one_or_none()
    if revision != REVISION:
        raise IncompatibleDatabase(
            f"the schema has the revision {revision}, not {REVISION}: start `image-grpc storage` of this version once"
        )


def upgrade(connection: sa.Connection) -> None:
    """Apply pending migrations, within a transaction."""
    # Imported here: it takes a while, and only pending migrations need it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "image_grpc.storage_service:migrations")
    config.attributes["connection"] = connection
    with _ALEMBIC:
        command.upgrade(config, "head")


def _has_pre_release_records(connection: sa.Connection) -> bool:
    inspector, schema = sa.inspect(connection), None if connection.dialect.name == "sqlite" else SCHEMA
    if not inspector.has_table("record", schema=schema):
        return False
    return any(column["name"] == "update_time" for column in inspector.get_columns("record", schema=schema))
