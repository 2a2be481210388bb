"""Listings by keyset: each page begins where the one before ended, however many records there are."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import ListOrder, ListRequest, ListResponse

from image_grpc.storage_service.record_table import to_record, with_times
from image_grpc.storage_service.refusals import Invalid
from image_grpc.storage_service.schema import record, record_version

MAX_COUNT = 10_000


def page(connection: Connection, request: ListRequest) -> ListResponse:
    """A page of records, or of one record's versions."""
    of_versions = bool(request.filter.versions_of)
    query, keyset = _versions(request) if of_versions else _records(request)
    response = ListResponse(storage_correlation_id=request.storage_correlation_id)
    if request.count:
        counted = select(func.count()).select_from(query.limit(MAX_COUNT).subquery())
        response.total_size = connection.execute(counted).scalar_one()
    ascending = request.order == ListOrder.LIST_ORDER_OLDEST_FIRST
    position = tuple_(*keyset)
    if request.page_token:
        after = tuple_(*_open(request))
        query = query.where(position > after if ascending else position < after)
    query = query.order_by(*(column.asc() if ascending else column.desc() for column in keyset))
    rows = connection.execute(query.limit(request.page_size + 1)).all()
    for row in rows[: request.page_size]:
        response.records.append(
            with_times(Record.FromString(row.body), row.delete_time, row.purge_time)
            if of_versions
            else to_record(row)
        )
    if len(rows) > request.page_size:
        last = rows[request.page_size - 1]
        response.next_page_token = _seal(request, [getattr(last, column.name) for column in keyset])
    return response


def _records(request: ListRequest) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    filter_ = request.filter
    query = select(record).where(record.c.kind == request.kind)
    for name in ("type", "subtype", "theme", "source_id", "service", "map_id"):
        if value := getattr(filter_, name):
            query = query.where(record.c[name] == value)
    if filter_.states:
        query = query.where(record.c.state.in_(list(filter_.states)))
    if not filter_.include_deleted:
        query = query.where(record.c.delete_time.is_(None))
    if filter_.HasField("create_time_before"):
        query = query.where(record.c.create_time < filter_.create_time_before.ToMicroseconds())
    return query, [record.c.create_time, record.c.id]


def _versions(request: ListRequest) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    same = (record.c.kind == record_version.c.kind) & (record.c.id == record_version.c.id)
    query = (
        select(record_version.c.version, record_version.c.body, record.c.delete_time, record.c.purge_time)
        .join_from(record_version, record, same)
        .where(record_version.c.kind == request.kind, record_version.c.id == request.filter.versions_of)
    )
    if not request.filter.include_deleted:
        query = query.where(record.c.delete_time.is_(None))
    return query, [record_version.c.version]


def _seal(request: ListRequest, position: list[Any]) -> str:
    """A page token: the last position, bound to the listing that it is of."""
    body = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal_of(request, body) + body).decode().rstrip("=")


def _open(request: ListRequest) -> list[Any]:
    token = request.page_token
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Invalid("page_token", "is not one that this service gave") from problem
    if sealed[:16] != _seal_of(request, sealed[16:]):
        raise Invalid("page_token", "was not given for this listing with these filters")
    position: list[Any] = json.loads(sealed[16:])
    return position


def _seal_of(request: ListRequest, body: bytes) -> bytes:
    listing = ListRequest(kind=request.kind, filter=request.filter, order=request.order)
    digest = hashlib.blake2b(listing.SerializeToString(deterministic=True), digest_size=16, person=b"page token")
    digest.update(body)
    return digest.digest()
