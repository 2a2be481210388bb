"""Copies a Storage Service into a folder, and back into an empty one; from any database and object store to any.

The folder holds

- `backup.json`: format, time, names of the two files below with their counts and SHA-256; written last;
- `records-<time>.binpb`: messages `tabletop.storage.v1.Record`, each after its length as a varint. All versions of
  a record follow each other, the oldest first; on the last, delete_time and purge_time are set if it is deleted;
- `messages-<time>.binpb`: messages `tabletop.hub.v1.OutboundMessage` that were not published yet, likewise;
- `blobs/ab/abcdef…`: the blobs, by SHA-256. Those that are there already are not copied again.

Records and messages are of one moment. Memory does not grow with what is copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any, TypeVar

import obstore
from google.protobuf.message import Message
from google.protobuf.proto import parse_length_prefixed, serialize_length_prefixed
from obstore.store import LocalStore, ObjectStore
from sqlalchemy import Connection, insert, select
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record, RecordKey

from image_grpc import records
from image_grpc.storage_service import record_table
from image_grpc.storage_service.blobs import State, path
from image_grpc.storage_service.database import Database, insert_new, microseconds
from image_grpc.storage_service.schema import applied_request, blob, outbox, record, record_version

M = TypeVar("M", bound=Message)
T = TypeVar("T")

FORMAT = 1
MANIFEST = "backup.json"
CHUNK_BYTES = 8 * 1024 * 1024
ROWS = 500
ATTEMPTS = 3


class BackupError(Exception):
    """It cannot be copied; the text says why."""


class _Gone(Exception):
    """A blob that was there at the snapshot's moment is not there any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A file of length-delimited messages."""

    file: str
    count: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What `backup.json` says."""

    format: int
    time: str
    records: Stream
    messages: Stream


async def back_up(database: Database, store: ObjectStore, folder: Path) -> Manifest:
    """Copies into the folder. One that has an older backup of the same service is brought up to date.

    Raises BackupError if a blob is missing or damaged.
    """
    target = LocalStore(folder, mkdir=True)
    for _ in range(ATTEMPTS):
        manifest = await database.snapshot(partial(_snapshot, folder))
        try:
            for sha256, byte_size in _blobs_in(folder / manifest.records.file):
                await _copy(store, target, sha256, byte_size)
        except _Gone as gone:  # purged since the snapshot, or missing for good, as the next snapshot shows
            problem = gone
            continue
        _finish(folder, manifest)
        return manifest
    raise BackupError(f"{problem}; see `image-grpc storage verify`")


async def restore(database: Database, store: ObjectStore, folder: Path) -> Manifest:
    """Copies the folder's content into an empty Storage Service: blobs first, then all rows in one transaction, so
    that a restore that was broken off can be started again. Raises BackupError.
    """
    manifest = _manifest(folder)
    await database.read(_refuse_if_not_empty)
    source = LocalStore(folder)
    for sha256, byte_size in _blobs_in(folder / manifest.records.file):
        try:
            await _copy(source, store, sha256, byte_size)
        except _Gone as gone:
            raise BackupError(f"{gone} in {folder}") from gone
    await database.write(partial(_bring_back, folder, manifest))
    return manifest


# Out of the database


def _snapshot(folder: Path, connection: Connection) -> Manifest:
    now = datetime.now(UTC)
    stamp = now.strftime("%Y%m%dT%H%M%S%fZ")
    return Manifest(
        format=FORMAT,
        time=now.isoformat(),
        records=_write(folder / f"records-{stamp}.binpb", _all_records(connection)),
        messages=_write(folder / f"messages-{stamp}.binpb", _all_messages(connection)),
    )


def _all_records(connection: Connection) -> Iterator[Record]:
    same = (record.c.kind == record_version.c.kind) & (record.c.id == record_version.c.id)
    newest = (record.c.version == record_version.c.version).label("newest")
    query = (
        select(record_version.c.body, record.c.delete_time, record.c.purge_time, newest)
        .join_from(record_version, record, same)
        .order_by(record_version.c.kind, record_version.c.id, record_version.c.version)
    )
    for row in connection.execution_options(yield_per=ROWS).execute(query):
        found = Record.FromString(row.body)
        if row.newest and row.delete_time is not None:
            found.delete_time.FromMicroseconds(row.delete_time)
            found.purge_time.FromMicroseconds(row.purge_time)
        yield found


def _all_messages(connection: Connection) -> Iterator[OutboundMessage]:
    query = select(outbox.c.message).order_by(outbox.c.sequence)
    for message in connection.execution_options(yield_per=ROWS).execute(query).scalars():
        yield OutboundMessage.FromString(message)


# Into the database


def _refuse_if_not_empty(connection: Connection) -> None:
    for table in (record, record_version, blob, outbox, applied_request):
        if connection.execute(select(table).limit(1)).first() is not None:
            raise BackupError(f"the database is not empty: table {table.name} has rows")


def _bring_back(folder: Path, manifest: Manifest, connection: Connection) -> None:
    _refuse_if_not_empty(connection)
    for batch in _batches(_histories(_read(folder / manifest.records.file, Record)), ROWS):
        connection.execute(insert(record), [_record_row(history[-1]) for history in batch])
        versions = [_version_row(each) for history in batch for each in history]
        connection.execute(insert(record_version), versions)
        if stored := [_blob_row(each) for history in batch for each in history if record_table.blob_of(each)]:
            insert_new(connection, blob, stored)
    for messages in _batches(_read(folder / manifest.messages.file, OutboundMessage), ROWS):
        rows = [{"claim_time": 0, "message": each.SerializeToString()} for each in messages]
        connection.execute(insert(outbox), rows)


def _histories(versions: Iterable[Record]) -> Iterator[list[Record]]:
    """The versions of each record."""
    for _, history in groupby(versions, key=_name):
        yield list(history)


def _name(version: Record) -> tuple[int, str]:
    key = records.key(version)
    return key.kind, key.id


def _record_row(newest: Record) -> dict[str, Any]:
    key, resource = records.key(newest), records.resource(newest)
    deleted = newest.HasField("delete_time")
    return {
        **_key_columns(key),
        "create_time": resource.create_time.ToMicroseconds(),
        "update_time": resource.update_time.ToMicroseconds(),
        "delete_time": newest.delete_time.ToMicroseconds() if deleted else None,
        "purge_time": newest.purge_time.ToMicroseconds() if deleted else None,
        **record_table.facets(newest),
        "body": _body(newest),
    }


def _version_row(version: Record) -> dict[str, Any]:
    columns = _key_columns(records.key(version))
    return {**columns, "blob_sha256": record_table.blob_of(version), "body": _body(version)}


def _blob_row(version: Record) -> dict[str, Any]:
    content = version.image.content
    size = {"sha256": content.sha256, "byte_size": content.byte_size}
    return {**size, "state": State.COMMITTED, "touch_time": microseconds()}


def _key_columns(key: RecordKey) -> dict[str, Any]:
    return {"kind": key.kind, "id": key.id, "version": key.version}


def _body(version: Record) -> bytes:
    """The record as the tables have it: when it was deleted is told by columns."""
    body = Record()
    body.CopyFrom(version)
    body.ClearField("delete_time")
    body.ClearField("purge_time")
    return body.SerializeToString()


# Files and objects


def _write(file: Path, messages: Iterable[Message]) -> Stream:
    digest, count = hashlib.sha256(), 0
    with file.open("wb") as out:
        for message in messages:
            serialize_length_prefixed(message, _Hashing(out, digest))  # type: ignore[arg-type]
            count += 1
    return Stream(file=file.name, count=count, sha256=digest.hexdigest())


class _Hashing:
    """A file that also hashes what it is given."""

    def __init__(self, out: IO[bytes], digest: Any) -> None:
        self._out, self._digest = out, digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._out.write(data)


def _read(file: Path, kind: type[M]) -> Iterator[M]:
    with file.open("rb") as source:
        while (message := parse_length_prefixed(kind, source)) is not None:  # type: ignore[arg-type]
            yield message


def _blobs_in(file: Path) -> Iterator[tuple[str, int]]:
    """Names and sizes of the blobs that records name; one may come more than once."""
    for version in _read(file, Record):
        if sha256 := record_table.blob_of(version):
            yield sha256, version.image.content.byte_size


async def _copy(source: ObjectStore, target: ObjectStore, sha256: str, byte_size: int) -> None:
    """Copies a blob that is not there yet, and checks it on the way. Raises _Gone, BackupError."""
    with contextlib.suppress(FileNotFoundError):
        if (await obstore.head_async(target, path(sha256)))["size"] == byte_size:
            return
    try:
        found = await obstore.get_async(source, path(sha256))
    except FileNotFoundError as missing:
        raise _Gone(f"blob {sha256} is missing") from missing
    await obstore.put_async(target, path(sha256), _checked(found, sha256), chunk_size=CHUNK_BYTES)


async def _checked(found: obstore.GetResult, sha256: str) -> AsyncIterator[Any]:
    """The bytes; what is raised at their end keeps the object from being made."""
    digest = hashlib.sha256()
    async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise BackupError(f"blob {sha256} is damaged")


def _manifest(folder: Path) -> Manifest:
    try:
        read = json.loads((folder / MANIFEST).read_text())
        if read["format"] != FORMAT:
            raise BackupError(f"{folder / MANIFEST} has format {read['format']}, not {FORMAT}")
        manifest = Manifest(
            format=FORMAT,
            time=read["time"],
            records=Stream(**read["records"]),
            messages=Stream(**read["messages"]),
        )
        for stream in (manifest.records, manifest.messages):
            with (folder / stream.file).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != stream.sha256:
                    raise BackupError(f"{folder / stream.file} is damaged")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BackupError(f"{folder} has no backup that is whole: {problem}") from problem
    return manifest


def _finish(folder: Path, manifest: Manifest) -> None:
    """Makes this backup the folder's, once all that it consists of is on the disk; removes older streams."""
    new = folder / f"{MANIFEST}.new"
    new.write_text(json.dumps(asdict(manifest), indent=2))
    os.sync()
    new.replace(folder / MANIFEST)
    for old in (*folder.glob("records-*.binpb"), *folder.glob("messages-*.binpb")):
        if old.name not in (manifest.records.file, manifest.messages.file):
            old.unlink()


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
