"""Blobs: bytes named by their SHA-256, brought in parts, kept in an object store named by URL.

A blob is PENDING while its parts come in, COMMITTED once a record names it, and DELETING when nothing does any
more. Paths follow from the name, so a part or a blob that is written twice is the same object.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url
from sqlalchemy import Connection, Row, delete, insert, select, update
from tabletop.storage.v1.storage_pb2 import BlobPart

from image_grpc.storage_service import record_table
from image_grpc.storage_service.database import Database, microseconds
from image_grpc.storage_service.refusals import BlobIncomplete, Busy, Invalid, NotFound
from image_grpc.storage_service.schema import blob

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

PART_BYTES = 1024 * 1024
PARTS, BLOBS = "parts", "blobs"
FAILURES = (OSError, BaseError)
"""What the object store raises when it is away or fails; it may be tried again."""
_PATIENCE: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=4)}
_OPTIONS: ClientConfig = {"allow_http": True, "connect_timeout": "2s", "timeout": "8s"}
"""The client gives up within the time that a caller waits by default; the caller tries again. An endpoint with
plain http is the operator's choice."""
_TOUCH_SECONDS = 60
"""An upload tells that it is alive this often, not with every part."""


class State(enum.IntEnum):
    """Where a blob is in its life."""

    PENDING = 1
    COMMITTED = 2
    DELETING = 3


class _WrongBytes(Exception):
    """The parts of a blob do not make it."""


def path(sha256: str) -> str:
    """Where a blob is in the object store."""
    return f"{BLOBS}/{sha256[:2]}/{sha256}"


def _part_path(sha256: str, offset: int) -> str:
    return f"{PARTS}/{sha256}.{offset}"


def open_store(url: str) -> ObjectStore:
    """The object store that a URL names. How S3 is reached is told by the AWS_* variables of the environment."""
    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    return from_url(url, client_options=_OPTIONS, retry_config=_PATIENCE)


class Blobs:
    """The blobs of one object store and the table that tells their states."""

    def __init__(self, url: str, database: Database) -> None:
        self._store = open_store(url)
        self._database = database

    async def put_part(self, part: BlobPart) -> bool:
        """Keeps a part. True if the whole blob is there already. Raises Invalid, Busy."""
        expected = min(PART_BYTES, part.byte_size - part.offset)
        if part.offset % PART_BYTES or part.offset >= part.byte_size:
            raise Invalid("blob_part.offset", f"must be a multiple of {PART_BYTES} below byte_size")
        if len(part.data) != expected:
            raise Invalid("blob_part.data", f"must be {expected} bytes at this offset")
        state = await self._database.read(lambda connection: _state(connection, part.sha256))
        if state is None or (state[0] == State.PENDING and state[1] < microseconds(-_TOUCH_SECONDS)):
            await self._database.write(lambda connection: _touch(connection, part.sha256, part.byte_size))
        elif state[0] == State.COMMITTED:
            return True
        elif state[0] == State.DELETING:
            raise Busy("the blob is being deleted")
        await obstore.put_async(self._store, _part_path(part.sha256, part.offset), part.data)
        return False

    async def assemble(self, sha256: str, byte_size: int) -> None:
        """Makes the blob's object of its parts, so that a record may name it. Raises BlobIncomplete."""
        if await self._is_committed(sha256, byte_size):
            return
        digest = hashlib.sha256()
        try:
            async with obstore.open_writer_async(self._store, path(sha256), buffer_size=8 * PART_BYTES) as writer:
                for offset in range(0, byte_size, PART_BYTES):
                    part = await (await obstore.get_async(self._store, _part_path(sha256, offset))).bytes_async()
                    digest.update(part)
                    await writer.write(part)
                if digest.hexdigest() != sha256:  # told inside of the block, which then makes no object
                    raise _WrongBytes
        except FileNotFoundError as missing:
            if await self._is_committed(sha256, byte_size):  # by another replica, which then removed the parts
                return
            raise BlobIncomplete(f"blob {sha256}: a part is missing") from missing
        except _WrongBytes as wrong:
            await self._remove(_part_paths(sha256, byte_size))
            raise BlobIncomplete(f"blob {sha256}: its parts are not what the name says") from wrong

    async def remove_parts(self, sha256: str, byte_size: int) -> None:
        """Removes the parts of a committed blob."""
        await self._remove(_part_paths(sha256, byte_size))

    async def read(self, sha256: str, offset: int, limit: int) -> bytes:
        """A piece of a blob; fewer bytes than asked for at its end. Raises NotFound."""
        state = await self._database.read(lambda connection: _row(connection, sha256))
        if state is None or state.state != State.COMMITTED:
            raise NotFound(f"blob {sha256} does not exist")
        if offset >= state.byte_size:
            return b""
        length = min(limit, state.byte_size - offset)
        return bytes(await obstore.get_range_async(self._store, path(sha256), start=offset, length=length))

    async def sweep(self, *, part_expiry: float, limit: int) -> None:
        """Removes blobs that nothing names, and parts that nobody came back for within `part_expiry` seconds."""
        doomed = await self._database.write(lambda connection: _doom(connection, part_expiry, limit))
        for sha256 in doomed:
            await self._database.write(partial(self._erase, sha256=sha256))
        # Parts without a row: a process ended between its two writes, or after a commit.
        oldest = datetime.now(UTC) - timedelta(seconds=part_expiry)
        async for batch in obstore.list(self._store, PARTS):
            await self._remove([each["path"] for each in batch if each["last_modified"] < oldest])

    def _erase(self, connection: Connection, sha256: str) -> None:
        """Within a transaction: removes a blob that nothing names, and its row.

        The row is locked meanwhile: no other replica does the same later, when the blob may be there anew.
        """
        row = connection.execute(
            select(blob).where(blob.c.sha256 == sha256, blob.c.state == State.DELETING).with_for_update()
        ).one_or_none()
        if row is None:
            return
        for each in (path(sha256), *_part_paths(sha256, row.byte_size)):
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, each)
        connection.execute(delete(blob).where(blob.c.sha256 == sha256))

    async def _is_committed(self, sha256: str, byte_size: int) -> bool:
        row = await self._database.read(lambda connection: _row(connection, sha256))
        if row is None or row.state != State.COMMITTED:
            return False
        if row.byte_size != byte_size:
            raise BlobIncomplete(f"blob {sha256} has {row.byte_size} bytes, not {byte_size}")
        return True

    async def _remove(self, paths: list[str]) -> None:
        for each in paths:
            with contextlib.suppress(FileNotFoundError):  # gone already
                await obstore.delete_async(self._store, each)


def commit(connection: Connection, sha256: str, byte_size: int) -> None:
    """Within a transaction: a record names the blob from now on. Raises Busy."""
    known = (blob.c.sha256 == sha256) & (blob.c.state != State.DELETING)
    # The size that was assembled: a part that came first may have been wrong about it.
    values = {"state": State.COMMITTED, "byte_size": byte_size, "touch_time": microseconds()}
    if connection.execute(update(blob).where(known).values(values)).rowcount != 1:
        raise Busy(f"blob {sha256} is being deleted")


def release(connection: Connection, freed: Iterable[str]) -> None:
    """Within a transaction: these blobs may have no record any more; those that have none will be removed."""
    for sha256 in freed:
        connection.execute(select(blob.c.sha256).where(blob.c.sha256 == sha256).with_for_update())
        if not record_table.blob_references(connection, sha256):
            connection.execute(update(blob).where(blob.c.sha256 == sha256).values(state=State.DELETING))


def _part_paths(sha256: str, byte_size: int) -> list[str]:
    return [_part_path(sha256, offset) for offset in range(0, byte_size, PART_BYTES)]


def _row(connection: Connection, sha256: str) -> Row[Any] | None:
    return connection.execute(select(blob).where(blob.c.sha256 == sha256)).one_or_none()


def _state(connection: Connection, sha256: str) -> tuple[State, int] | None:
    row = _row(connection, sha256)
    return (State(row.state), row.touch_time) if row else None


def _touch(connection: Connection, sha256: str, byte_size: int) -> None:
    now = microseconds()
    touched = update(blob).where(blob.c.sha256 == sha256).values(touch_time=now)
    if connection.execute(touched).rowcount == 0:
        row = {"sha256": sha256, "byte_size": byte_size, "state": State.PENDING, "touch_time": now}
        connection.execute(insert(blob).values(row))


def _doom(connection: Connection, part_expiry: float, limit: int) -> list[str]:
    """Marks what was left behind, and answers all blobs that are to be removed."""
    left_behind = (blob.c.state == State.PENDING) & (blob.c.touch_time < microseconds(-part_expiry))
    connection.execute(update(blob).where(left_behind).values(state=State.DELETING))
    doomed = select(blob.c.sha256).where(blob.c.state == State.DELETING).limit(limit)
    return list(connection.execute(doomed).scalars())
