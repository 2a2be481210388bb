"""Reading records by key, within a transaction."""

from sqlalchemy import Connection, bindparam, select, tuple_
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import RecordKeys

from image_grpc.storage_service.record_rows import COLUMNS, LATEST_VERSION, SAME_RECORD, to_record
from image_grpc.storage_service.schema import record, record_version

# Built once: building a statement takes as long as running it.
_LATEST = (
    select(*COLUMNS)
    .join_from(record, record_version, LATEST_VERSION)
    .where(tuple_(record.c.kind, record.c.id).in_(bindparam("names", expanding=True)))
)
_EXACT = (
    select(*COLUMNS)
    .join_from(record_version, record, SAME_RECORD)
    .where(
        tuple_(record_version.c.kind, record_version.c.id, record_version.c.version).in_(
            bindparam("versions", expanding=True)
        )
    )
)


def read(connection: Connection, request: RecordKeys) -> list[Record]:
    """Return the records that exist, in the order of the keys."""
    names = sorted({(key.kind, key.id) for key in request.keys if not key.version})
    versions = sorted({(key.kind, key.id, key.version) for key in request.keys if key.version})
    latest = connection.execute(_LATEST, {"names": names}).all() if names else []
    exact = connection.execute(_EXACT, {"versions": versions}).all() if versions else []
    rows = {**{(row.kind, row.id, 0): row for row in latest}, **{(row.kind, row.id, row.version): row for row in exact}}
    matches = (rows.get((key.kind, key.id, key.version)) for key in request.keys)
    return [
        to_record(row) for row in matches if row is not None and (request.include_deleted or row.delete_time is None)
    ]
