"""Verification: every record has its latest version and its blob, every blob a record, and the bytes are intact.

It reads tables and object store page by page, so the memory it needs does not depend on their size. Replicas may
run meanwhile: apparent problems are checked again before they are reported.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import obstore
from obstore.store import ObjectStore
from sqlalchemy import Row, Select, exists, select, tuple_

from image_grpc.storage_service.blobs import State, find_blob
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.object_store import BLOBS, blob_path
from image_grpc.storage_service.record_rows import LATEST_VERSION, display_name
from image_grpc.storage_service.schema import blob, record, record_version

PAGE_SIZE = 200
MAX_CONCURRENT_READS = 4
CHUNK_BYTES = 1024 * 1024

_RECORDS = select(
    record.c.kind, record.c.id, record.c.version, record_version.c.version.label("latest_version")
).join_from(record, record_version, LATEST_VERSION, isouter=True)
_VERSIONS = select(
    *record_version.c["kind", "id", "version", "blob_sha256", "blob_byte_size"], blob.c.state, blob.c.byte_size
).join_from(record_version, blob, record_version.c.blob_sha256 == blob.c.sha256, isouter=True)
_REFERENCED = exists().where(record_version.c.blob_sha256 == blob.c.sha256)
_BLOBS = select(blob.c.sha256, blob.c.byte_size, _REFERENCED.label("referenced")).where(blob.c.state == State.COMMITTED)


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
    async for rows in _pages(database, _RECORDS, key_columns=2):
        report.records += len(rows)
        report.problems += [f"{_version_name(row)}: is missing" for row in rows if row.latest_version is None]
    async for rows in _pages(database, _VERSIONS, key_columns=3):
        report.versions += len(rows)
        report.problems += [problem for row in rows if (problem := _version_problem(row))]
    async for rows in _pages(database, _BLOBS, key_columns=1):
        report.blobs += len(rows)
        report.bytes += sum(row.byte_size for row in rows)
        report.problems += [f"blob {row.sha256}: no record refers to it" for row in rows if not row.referenced]
        report.problems += await _damaged(database, store, rows)
    report.problems += await _orphans(database, store)
    return report


async def _pages(database: Database, query: Select[Any], *, key_columns: int) -> AsyncIterator[Sequence[Row[Any]]]:
    """Yield the pages of a query, each in a transaction of its own. Its first columns identify the rows."""
    key = list(query.selected_columns)[:key_columns]
    page = next_page = query.order_by(*key).limit(PAGE_SIZE)
    while rows := await _all(database, next_page):
        yield rows
        next_page = page.where(tuple_(*key) > tuple_(*rows[-1][:key_columns]))


async def _all(database: Database, query: Select[Any]) -> Sequence[Row[Any]]:
    return await database.read(lambda connection: connection.execute(query).all())


def _version_problem(row: Row[Any]) -> str:
    if not row.blob_sha256:
        return ""
    name = f"{_version_name(row)}: "
    if row.state != State.COMMITTED:
        return f"{name}its blob {row.blob_sha256} is not stored"
    if row.blob_byte_size != row.byte_size:
        return f"{name}refers to {row.blob_byte_size} bytes, but its blob {row.blob_sha256} has {row.byte_size}"
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
        current = await database.read(lambda connection: find_blob(connection, row.sha256))
        still_committed = current is not None and current.state == State.COMMITTED
        return f"blob {row.sha256}: {damage}" if still_committed else ""

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
        stored = await _all(database, select(blob.c.sha256).where(blob.c.sha256.in_(paths)))
        for name in paths.keys() - {row.sha256 for row in stored}:
            try:
                await obstore.head_async(store, paths[name])
            except FileNotFoundError:  # deleted meanwhile
                continue
            problems.append(f"object {paths[name]}: its blob is not in the database")
    return sorted(problems)
