"""Verification: every record has its latest version and its blob, every blob a record, and the bytes are intact.

It reads tables and object store page by page, so the memory it needs does not depend on their size. Replicas may
run meanwhile: apparent problems are checked again before they are reported.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import obstore
from obstore.store import ObjectStore
from sqlalchemy import ColumnElement, Connection, Row, Select, exists, select, tuple_

from image_grpc.storage_service.blob_table import State, find
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.object_store import BLOBS, blob_path
from image_grpc.storage_service.record_rows import LATEST_VERSION, display_name
from image_grpc.storage_service.schema import blob, record, record_version

PAGE_SIZE = 200
MAX_CONCURRENT_READS = 4
CHUNK_BYTES = 1024 * 1024

_Keyset = tuple[Select[Any], list[ColumnElement[Any]]]
"""A query, and the columns that identify its rows."""


@dataclass(kw_only=True, slots=True)
class Report:
    """The result of a verification."""

    records: int = 0
    versions: int = 0
    blobs: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    """A line per problem."""


async def verify(database: Database, store: ObjectStore) -> Report:
    """Verify everything that is stored."""
    report = Report()
    async for rows in _pages(database, _records()):
        report.records += len(rows)
        report.problems += [f"{_version_name(row)}: is missing" for row in rows if row.stored is None]
    async for rows in _pages(database, _versions()):
        report.versions += len(rows)
        report.problems += [problem for row in rows if (problem := _version_problem(row))]
    async for rows in _pages(database, _blobs()):
        report.blobs += len(rows)
        report.bytes += sum(row.byte_size for row in rows)
        report.problems += [f"blob {row.sha256}: no record refers to it" for row in rows if not row.referenced]
        report.problems += await _damaged(database, store, rows)
    report.problems += await _orphans(database, store)
    return report


async def _pages(database: Database, keyset: _Keyset) -> AsyncIterator[Sequence[Row[Any]]]:
    """Yield the pages of a query, each in a transaction of its own."""
    query, columns = keyset
    page = query.order_by(*columns).limit(PAGE_SIZE)
    rows = await database.read(partial(_all, page))
    while rows:
        yield rows
        last = tuple_(*(getattr(rows[-1], column.name) for column in columns))
        rows = await database.read(partial(_all, page.where(tuple_(*columns) > last)))


def _all(query: Select[Any], connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(query).all()


def _records() -> _Keyset:
    """All records, each with the number of its latest version if that is stored."""
    query = select(record.c.kind, record.c.id, record.c.version, record_version.c.version.label("stored"))
    return query.join_from(record, record_version, LATEST_VERSION, isouter=True), [record.c.kind, record.c.id]


def _versions() -> _Keyset:
    """All versions of records, each with the row of its blob."""
    version = record_version.c
    columns = (version.kind, version.id, version.version, version.blob_sha256, version.blob_byte_size)
    query = select(*columns, blob.c.state, blob.c.byte_size).join_from(
        record_version, blob, version.blob_sha256 == blob.c.sha256, isouter=True
    )
    return query, [version.kind, version.id, version.version]


def _blobs() -> _Keyset:
    """All committed blobs, each with whether a record refers to it."""
    referenced = exists().where(record_version.c.blob_sha256 == blob.c.sha256)
    query = select(blob.c.sha256, blob.c.byte_size, referenced.label("referenced"))
    return query.where(blob.c.state == State.COMMITTED), [blob.c.sha256]


def _version_problem(row: Row[Any]) -> str:
    if not row.blob_sha256:
        return ""
    if row.state != State.COMMITTED:
        return f"{_version_name(row)}: its blob {row.blob_sha256} is not stored"
    if row.blob_byte_size != row.byte_size:
        return (
            f"{_version_name(row)}: refers to {row.blob_byte_size} bytes, "
            f"but its blob {row.blob_sha256} has {row.byte_size}"
        )
    return ""


def _version_name(row: Row[Any]) -> str:
    return f"{display_name(row.kind, row.id)} version {row.version}"


async def _damaged(database: Database, store: ObjectStore, rows: Sequence[Row[Any]]) -> list[str]:
    semaphore = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def check(row: Row[Any]) -> str:
        async with semaphore:
            damage = await _damage(store, row.sha256, row.byte_size)
        if not damage:
            return ""
        current = await database.read(lambda connection: find(connection, row.sha256))
        if current is None or current.state != State.COMMITTED:
            return ""
        return f"blob {row.sha256}: {damage}"

    return [problem for problem in await asyncio.gather(*map(check, rows)) if problem]


async def _damage(store: ObjectStore, sha256: str, byte_size: int) -> str:
    digest, size = hashlib.sha256(), 0
    try:
        content = await obstore.get_async(store, blob_path(sha256))
        async for chunk in content.stream(min_chunk_size=CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    except FileNotFoundError:
        return "is missing"
    if size != byte_size:
        return f"is damaged: it has {size} bytes, not {byte_size}"
    return "" if digest.hexdigest() == sha256 else "is damaged: its bytes have another SHA-256"


async def _orphans(database: Database, store: ObjectStore) -> list[str]:
    """Return a problem for each object whose blob is not in the database."""
    problems = []
    async for batch in obstore.list(store, BLOBS, chunk_size=PAGE_SIZE):
        paths = {each["path"].rpartition("/")[2]: each["path"] for each in batch}
        stored = await database.read(partial(_stored, list(paths)))
        for name in paths.keys() - stored:
            try:
                await obstore.head_async(store, paths[name])
            except FileNotFoundError:  # deleted meanwhile
                continue
            problems.append(f"object {paths[name]}: its blob is not in the database")
    return sorted(problems)


def _stored(names: list[str], connection: Connection) -> set[str]:
    return set(connection.execute(select(blob.c.sha256).where(blob.c.sha256.in_(names))).scalars())
