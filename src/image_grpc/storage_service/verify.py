"""Verifies a Storage Service: every record has its blob, every blob its record, and the bytes are what they were.

It goes through tables and object store page by page, so it needs the same memory for any size, and it may run
beside replicas that work: what only looks wrong because it changed meanwhile is looked at again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import obstore
from obstore.store import ObjectStore
from sqlalchemy import Connection, Row, exists, select, tuple_
from tabletop.storage.v1.record_pb2 import Record, RecordKey

from image_grpc.storage_service import record_table
from image_grpc.storage_service.blobs import BLOBS, State, path
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.schema import blob, record, record_version

PAGE = 200
AT_ONCE = 4
CHUNK_BYTES = 1024 * 1024


@dataclass(kw_only=True, slots=True)
class Report:
    """What was found."""

    records: int = 0
    versions: int = 0
    blobs: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    """A line each."""


async def verify(database: Database, store: ObjectStore) -> Report:
    """Looks at everything."""
    report = Report()
    async for rows in _pages(database, _records):
        report.records += len(rows)
        report.problems += [f"{_name(row)}: has no such version" for row in rows if row.stored is None]
    async for rows in _pages(database, _versions):
        report.versions += len(rows)
        report.problems += [problem for row in rows if (problem := _problem_of(row))]
    async for rows in _pages(database, _blobs):
        report.blobs += len(rows)
        report.bytes += sum(row.byte_size for row in rows)
        report.problems += [f"blob {row.sha256}: no record names it" for row in rows if not row.named]
        report.problems += await _damaged(database, store, rows)
    report.problems += await _orphans(database, store)
    return report


async def _pages(database: Database, query: Any) -> AsyncIterator[Sequence[Row[Any]]]:
    """Pages of a query by its key, each in a transaction of its own."""
    statement, keyset = query()
    statement = statement.order_by(*keyset).limit(PAGE)
    rows = await database.read(lambda connection: connection.execute(statement).all())
    while rows:
        yield rows
        after = statement.where(tuple_(*keyset) > tuple_(*(getattr(rows[-1], each.name) for each in keyset)))
        rows = await database.read(partial(_all, after))


def _all(statement: Any, connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(statement).all()


def _records() -> tuple[Any, list[Any]]:
    """Records, each with the number of its newest version if that is stored."""
    same = (
        (record_version.c.kind == record.c.kind)
        & (record_version.c.id == record.c.id)
        & (record_version.c.version == record.c.version)
    )
    query = select(record.c.kind, record.c.id, record.c.version, record_version.c.version.label("stored"))
    return query.join_from(record, record_version, same, isouter=True), [record.c.kind, record.c.id]


def _versions() -> tuple[Any, list[Any]]:
    """Versions of records, each with the blob that it names."""
    columns = (*record_version.c, blob.c.state, blob.c.byte_size)
    query = select(*columns).join_from(
        record_version, blob, record_version.c.blob_sha256 == blob.c.sha256, isouter=True
    )
    return query, [record_version.c.kind, record_version.c.id, record_version.c.version]


def _blobs() -> tuple[Any, list[Any]]:
    """Committed blobs, each with whether a record names it."""
    named = exists().where(record_version.c.blob_sha256 == blob.c.sha256)
    query = select(blob.c.sha256, blob.c.byte_size, named.label("named"))
    return query.where(blob.c.state == State.COMMITTED), [blob.c.sha256]


def _problem_of(row: Row[Any]) -> str:
    if not row.blob_sha256:
        return ""
    if row.state != State.COMMITTED:
        return f"{_name(row)}: its blob {row.blob_sha256} is not stored"
    content = Record.FromString(row.body).image.content
    if content.byte_size != row.byte_size:
        return f"{_name(row)}: says {content.byte_size} bytes, its blob {row.blob_sha256} has {row.byte_size}"
    return ""


def _name(row: Row[Any]) -> str:
    return f"{record_table.called(RecordKey(kind=row.kind, id=row.id))} version {row.version}"


async def _damaged(database: Database, store: ObjectStore, rows: Sequence[Row[Any]]) -> list[str]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def look(row: Row[Any]) -> str:
        async with turn:
            problem = await _damage(store, row.sha256, row.byte_size)
        if problem and await database.read(partial(_state, row.sha256)) == State.COMMITTED:
            return f"blob {row.sha256}: {problem}"
        return ""

    return [problem for problem in await asyncio.gather(*map(look, rows)) if problem]


async def _damage(store: ObjectStore, sha256: str, byte_size: int) -> str:
    digest, size = hashlib.sha256(), 0
    try:
        found = await obstore.get_async(store, path(sha256))
        async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    except FileNotFoundError:
        return "is missing"
    if size != byte_size:
        return f"is damaged: it has {size} bytes, not {byte_size}"
    return "" if digest.hexdigest() == sha256 else "is damaged: its bytes have another SHA-256"


async def _orphans(database: Database, store: ObjectStore) -> list[str]:
    """Objects of blobs that the database does not know."""
    problems = []
    async for batch in obstore.list(store, BLOBS, chunk_size=PAGE):
        names = {each["path"].rpartition("/")[2]: each["path"] for each in batch}
        known = await database.read(partial(_known, list(names)))
        for name in names.keys() - known:
            try:
                await obstore.head_async(store, names[name])  # still there
            except FileNotFoundError:
                continue
            problems.append(f"object {names[name]}: the database has no such blob")
    return sorted(problems)


def _known(names: list[str], connection: Connection) -> set[str]:
    return set(connection.execute(select(blob.c.sha256).where(blob.c.sha256.in_(names))).scalars())


def _state(sha256: str, connection: Connection) -> int | None:
    return connection.execute(select(blob.c.state).where(blob.c.sha256 == sha256)).scalar()
