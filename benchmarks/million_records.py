"""A million generations in PostgreSQL, in rows like those that the Storage Service stores.

Generations have all filters that images have, and a state. A twentieth is deleted, as images are. PostgreSQL makes the
rows itself, which takes seconds; their bodies are as large as real ones, but have no content.
"""

from __future__ import annotations

import sqlalchemy as sa
from tabletop.storage.v1.record_pb2 import RecordKind

from image_grpc.storage_service.schema import SCHEMA, record, record_version

KIND = RecordKind.RECORD_KIND_GENERATION
COUNT = 1_000_000
BODY_BYTES = 500
FIRST_TIME, PERIOD = 1_750_000_000_000_000, 1_000_000
"""Microseconds: the creation time of the first record, and the time between two."""
DAY = 86_400_000_000

# Expressions of a record's number n. One in RARE is an armor of a service that makes nothing else.
RARE = 100_000
_KIND = "1 + mod(n, 6)"
_IS_RARE = f"mod(n, {RARE}) = 1"
TYPE = (
    f"CASE WHEN {_IS_RARE} THEN 'item' "
    f"ELSE (ARRAY['character','character','map','character','map','item'])[{_KIND}] END"
)
SUBTYPE = (
    f"CASE WHEN {_IS_RARE} THEN 'armor' "
    f"ELSE (ARRAY['portrait','portrait','tactical','portrait','campaign','weapon'])[{_KIND}] END"
)
THEME = "'theme_' || floor(20 * pow(random(), 2))"
"""Twenty themes, of which the first has a fifth of all records and the last a fortieth."""
SERVICE = f"CASE WHEN {_IS_RARE} THEN 'smithy' ELSE 'service_' || mod(n, 7) END"
SOURCE = "'00000000-0000-4000-8000-' || lpad(mod(n * 7919, 50000)::text, 12, '0')"
"""50,000 characters, campaigns and items with 20 records each."""
STATE = f"CASE WHEN mod(n, 1000) = 0 THEN 'failed' WHEN n > {COUNT} - 200 THEN 'queued' ELSE 'succeeded' END"
_TIME = f"({FIRST_TIME} + n * {PERIOD})"
DELETED = f"CASE WHEN mod(n, 20) = 0 THEN {_TIME} + {DAY} END"


def fill(connection: sa.Connection) -> None:
    """Fill the tables, which must be empty. Their indexes are created afterwards, as that is faster."""
    indexes = [index for table in (record, record_version) for index in table.indexes]
    for index in indexes:
        index.drop(connection)
    connection.exec_driver_sql("SET maintenance_work_mem = '256MB'")
    _insert(connection)
    for index in indexes:
        index.create(connection)
    for table in (record, record_version):
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {SCHEMA}.{table.name}")


def _insert(connection: sa.Connection) -> None:
    # Ids are random but reproducible, so that both tables get the same ones.
    numbers = f"SELECT n, md5('{KIND}-' || n)::uuid::text AS id FROM generate_series(1, {COUNT}::bigint) AS n"
    connection.exec_driver_sql(
        f"INSERT INTO {SCHEMA}.record (kind, id, version, create_time, delete_time, purge_time, type, subtype, theme, "
        "source_id, service, state, map_id) "
        f"SELECT {KIND}, id, 1, {_TIME}, {DELETED}, {DELETED} + 30 * {DAY}, {TYPE}, {SUBTYPE}, {THEME}, {SOURCE}, "
        f"{SERVICE}, {STATE}, '' FROM ({numbers}) AS numbers"
    )
    connection.exec_driver_sql(
        f"INSERT INTO {SCHEMA}.record_version (kind, id, version, update_time, index_fields, body_type, body, "
        "blob_sha256, blob_byte_size) "
        f"SELECT {KIND}, id, 1, {_TIME}, '', 'tabletop.image.internal.v1.GenerationRecord', "
        f"decode(repeat(md5(id), {BODY_BYTES // 16}), 'hex'), md5(id) || md5('blob' || id), 1500000 "
        f"FROM ({numbers}) AS numbers"
    )
