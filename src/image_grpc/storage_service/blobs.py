"""Blobs: bytes that are named by their SHA-256, put in parts, and kept in an object store.

The database has their states: a blob is PENDING while its parts arrive, COMMITTED once a record refers to it, and
DELETING when nothing refers to it anymore.
"""

import contextlib
import enum
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import obstore
from obstore.store import ObjectStore
from sqlalchemy import Connection, Row, case, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from tabletop.storage.v1.storage_pb2 import BlobPart

from image_grpc.storage_service.database import Database, microseconds
from image_grpc.storage_service.errors import BlobIncomplete, InvalidField, NotFound, TemporaryFailure
from image_grpc.storage_service.object_store import PART_BYTES, PARTS, blob_path, part_path, part_paths
from image_grpc.storage_service.schema import blob, record_version

_TOUCH_SECONDS = 60
"""How often an upload refreshes its expiry, which would otherwise take a transaction per part."""


class State(enum.IntEnum):
    """The state of a blob."""

    PENDING = 1
    COMMITTED = 2
    DELETING = 3


class Blobs:
    """The blobs in one object store, with their states in the database."""

    def __init__(self, store: ObjectStore, database: Database) -> None:
        self._store, self._database = store, database

    async def put_part(self, part: BlobPart, *, field: str) -> bool:
        """Store a part. Return whether the whole blob is committed already.

        `field` is its path in the request. Raises InvalidField, TemporaryFailure.
        """
        _check_part(part, field)
        row = None
        if part.offset:  # so the blob most likely has a row
            row = await self._database.read(lambda connection: find_blob(connection, part.sha256))
        if row is None or (row.state == State.PENDING and row.touch_time < microseconds(-_TOUCH_SECONDS)):
            row = await self._database.write_one(lambda connection: _touch(connection, part.sha256, part.byte_size))
        if row.state == State.COMMITTED:
            if row.byte_size != part.byte_size:
                raise InvalidField(f"{field}.byte_size", f"the blob has {row.byte_size} bytes")
            return True
        if row.state == State.DELETING:
            raise TemporaryFailure(f"blob {part.sha256} is being deleted")
        path = blob_path(part.sha256) if is_whole(part) else part_path(part.sha256, part.byte_size, part.offset)
        await obstore.put_async(self._store, path, part.data)
        return False

    async def assemble(self, sha256: str, byte_size: int) -> None:
        """Create the blob's object from its parts, so that a record may refer to it. Raises BlobIncomplete."""
        if byte_size <= PART_BYTES:
            return await self._require_object(sha256, byte_size)
        if await self._is_committed(sha256, byte_size):
            return None
        try:
            await self._write_from_parts(sha256, byte_size)
        except FileNotFoundError as missing:
            if await self._is_committed(sha256, byte_size):  # by another replica, which then removed the parts
                return None
            raise BlobIncomplete(f"blob {sha256}: a part is missing") from missing
        except BlobIncomplete:
            await self.remove_parts(sha256, byte_size)
            raise

    async def _require_object(self, sha256: str, byte_size: int) -> None:
        """Require the object of a blob that was put whole. Raises BlobIncomplete."""
        try:
            size = (await obstore.head_async(self._store, blob_path(sha256)))["size"]
        except FileNotFoundError as missing:
            raise BlobIncomplete(f"blob {sha256} is missing") from missing
        if size != byte_size:
            raise BlobIncomplete(f"blob {sha256} has {size} bytes, not {byte_size}")

    async def _write_from_parts(self, sha256: str, byte_size: int) -> None:
        digest = hashlib.sha256()
        async with obstore.open_writer_async(self._store, blob_path(sha256), buffer_size=8 * PART_BYTES) as writer:
            for path in part_paths(sha256, byte_size):
                part = await (await obstore.get_async(self._store, path)).bytes_async()
                digest.update(part)
                await writer.write(part)
            if digest.hexdigest() != sha256:
                # Within the block, which then creates no object.
                raise BlobIncomplete(f"blob {sha256}: its parts have another SHA-256")

    async def remove_parts(self, sha256: str, byte_size: int) -> None:
        """Remove the parts of a blob that was not put whole."""
        if byte_size > PART_BYTES:
            await self._remove(part_paths(sha256, byte_size))

    async def read(self, sha256: str, offset: int, limit: int) -> bytes:
        """Return a range of a blob, which is shorter than `limit` at its end. Raises NotFound."""
        row = await self._database.read(lambda connection: find_blob(connection, sha256))
        if row is None or row.state != State.COMMITTED:
            raise NotFound(f"blob {sha256} does not exist")
        if offset >= row.byte_size:
            return b""
        length = min(limit, row.byte_size - offset)
        data = await obstore.get_range_async(self._store, blob_path(sha256), start=offset, length=length)
        return bytes(data)

    async def sweep(self, *, part_expiry: float, limit: int) -> None:
        """Remove unreferenced blobs, and parts older than `part_expiry` seconds."""
        for sha256 in await self._database.write(partial(_expire, part_expiry=part_expiry, limit=limit)):
            await self._database.write(partial(self._erase, sha256=sha256))
        # Parts without a row: a process ended between its two writes, or after a commit.
        oldest = datetime.now(UTC) - timedelta(seconds=part_expiry)
        async for batch in obstore.list(self._store, PARTS):
            await self._remove([each["path"] for each in batch if each["last_modified"] < oldest])

    def _erase(self, connection: Connection, sha256: str) -> None:
        """Remove a blob that is marked for deletion, and its row, within a transaction.

        The row stays locked meanwhile, so that no other replica deletes the blob later, after it was put again.
        """
        marked = select(blob).where(blob.c.sha256 == sha256, blob.c.state == State.DELETING).with_for_update()
        row = connection.execute(marked).one_or_none()
        if row is None:
            return
        for path in (blob_path(sha256), *part_paths(sha256, row.byte_size)):
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, path)
        connection.execute(delete(blob).where(blob.c.sha256 == sha256))

    async def _is_committed(self, sha256: str, byte_size: int) -> bool:
        row = await self._database.read(lambda connection: find_blob(connection, sha256))
        if row is None or row.state != State.COMMITTED:
            return False
        if row.byte_size != byte_size:
            raise BlobIncomplete(f"blob {sha256} has {row.byte_size} bytes, not {byte_size}")
        return True

    async def _remove(self, paths: list[str]) -> None:
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, path)


def _check_part(part: BlobPart, field: str) -> None:
    if part.offset % PART_BYTES or part.offset >= part.byte_size:
        raise InvalidField(f"{field}.offset", f"must be a multiple of {PART_BYTES} and less than byte_size")
    expected = min(PART_BYTES, part.byte_size - part.offset)
    if len(part.data) != expected:
        raise InvalidField(f"{field}.data", f"must have {expected} bytes at this offset")
    if is_whole(part) and hashlib.sha256(part.data).hexdigest() != part.sha256:
        raise InvalidField(f"{field}.data", "has another SHA-256")


def is_whole(part: BlobPart) -> bool:
    """Return whether a part is a whole blob, which is then checked and written as such."""
    return len(part.data) == part.byte_size


def find_blob(connection: Connection, sha256: str) -> Row[Any] | None:
    """Return the row of a blob."""
    return connection.execute(select(blob).where(blob.c.sha256 == sha256)).one_or_none()


def _touch(connection: Connection, sha256: str, byte_size: int) -> Row[Any]:
    """Record that parts of a blob are arriving, and return its row."""
    row = {"sha256": sha256, "byte_size": byte_size, "state": State.PENDING, "touch_time": microseconds()}
    return connection.execute(_insert_or_touch(connection.dialect.name), row).one()


@cache  # building a statement takes as long as running it
def _insert_or_touch(dialect: str) -> Any:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(blob)
    pending = blob.c.state == State.PENDING
    touch_time = case((pending, statement.excluded.touch_time), else_=blob.c.touch_time)
    return statement.on_conflict_do_update(index_elements=[blob.c.sha256], set_={"touch_time": touch_time}).returning(
        *blob.c
    )


def mark_committed(connection: Connection, sha256: str, byte_size: int) -> None:
    """Record that a record refers to the blob. Raises TemporaryFailure, BlobIncomplete."""
    usable = (blob.c.sha256 == sha256) & (blob.c.state != State.DELETING)
    # The size that was assembled: the part that created the row may have had a wrong one.
    values = {"state": State.COMMITTED, "byte_size": byte_size, "touch_time": microseconds()}
    if connection.execute(update(blob).where(usable).values(values)).rowcount != 1:
        if find_blob(connection, sha256) is None:
            raise BlobIncomplete(f"blob {sha256} was deleted")
        raise TemporaryFailure(f"blob {sha256} is being deleted")


def lock_blobs(connection: Connection, hashes: Iterable[str]) -> None:
    """Lock blobs in one order, so that two transactions with the same ones wait for each other."""
    if len(unique := sorted(set(hashes))) > 1:
        connection.execute(select(blob.c.sha256).where(blob.c.sha256.in_(unique)).order_by("sha256").with_for_update())


def mark_unreferenced(connection: Connection, hashes: Iterable[str]) -> None:
    """Mark blobs that are no longer referenced for deletion."""
    for sha256 in sorted(hashes):
        connection.execute(select(blob.c.sha256).where(blob.c.sha256 == sha256).with_for_update())
        referenced = exists().where(record_version.c.blob_sha256 == sha256)
        connection.execute(update(blob).where(blob.c.sha256 == sha256, ~referenced).values(state=State.DELETING))


def _expire(connection: Connection, *, part_expiry: float, limit: int) -> list[str]:
    """Mark abandoned uploads for deletion, and return up to `limit` blobs that are to be deleted."""
    abandoned = (blob.c.state == State.PENDING) & (blob.c.touch_time < microseconds(-part_expiry))
    connection.execute(update(blob).where(abandoned).values(state=State.DELETING))
    deleting = select(blob.c.sha256).where(blob.c.state == State.DELETING).limit(limit)
    return list(connection.execute(deleting).scalars())
