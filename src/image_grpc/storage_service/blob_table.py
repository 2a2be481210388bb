"""The states of blobs in the database. All functions run within a transaction.

A blob is PENDING while its parts arrive, COMMITTED once a record refers to it, and DELETING when nothing refers to
it any more.
"""

import enum
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

from image_grpc.storage_service.database import microseconds
from image_grpc.storage_service.errors import TemporaryFailure
from image_grpc.storage_service.schema import blob, record_version


class State(enum.IntEnum):
    """The state of a blob."""

    PENDING = 1
    COMMITTED = 2
    DELETING = 3


def find(connection: Connection, sha256: str) -> Row[Any] | None:
    """Return the row of a blob."""
    return connection.execute(select(blob).where(blob.c.sha256 == sha256)).one_or_none()


def touch(connection: Connection, sha256: str, byte_size: int) -> None:
    """Record that parts of a blob are arriving."""
    now = microseconds()
    touched = update(blob).where(blob.c.sha256 == sha256).values(touch_time=now)
    if connection.execute(touched).rowcount == 0:
        row = {"sha256": sha256, "byte_size": byte_size, "state": State.PENDING, "touch_time": now}
        connection.execute(insert(blob).values(row))


def commit(connection: Connection, sha256: str, byte_size: int) -> None:
    """Record that a record refers to the blob. Raises TemporaryFailure."""
    usable = (blob.c.sha256 == sha256) & (blob.c.state != State.DELETING)
    # The size that was assembled: the part that created the row may have had a wrong one.
    values = {"state": State.COMMITTED, "byte_size": byte_size, "touch_time": microseconds()}
    if connection.execute(update(blob).where(usable).values(values)).rowcount != 1:
        raise TemporaryFailure(f"blob {sha256} is being deleted")


def release(connection: Connection, hashes: Iterable[str]) -> None:
    """Mark those of the blobs for deletion that no record refers to any more."""
    for sha256 in hashes:
        connection.execute(select(blob.c.sha256).where(blob.c.sha256 == sha256).with_for_update())
        referenced = exists().where(record_version.c.blob_sha256 == sha256)
        connection.execute(update(blob).where(blob.c.sha256 == sha256, ~referenced).values(state=State.DELETING))


def expire(connection: Connection, *, part_expiry: float, limit: int) -> list[str]:
    """Mark abandoned uploads for deletion, and return up to `limit` blobs that are to be deleted."""
    abandoned = (blob.c.state == State.PENDING) & (blob.c.touch_time < microseconds(-part_expiry))
    connection.execute(update(blob).where(abandoned).values(state=State.DELETING))
    deleting = select(blob.c.sha256).where(blob.c.state == State.DELETING).limit(limit)
    return list(connection.execute(deleting).scalars())
