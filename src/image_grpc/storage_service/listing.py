"""Listings by keyset: each page starts after the last record of the previous page."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_
from tabletop.storage.v1.storage_pb2 import ListOrder, ListRequest, ListResponse

from image_grpc import page_tokens
from image_grpc.storage_service.errors import InvalidField
from image_grpc.storage_service.record_rows import COLUMNS, INDEX_NAMES, LATEST_VERSION, SAME_RECORD, to_record
from image_grpc.storage_service.schema import record, record_version

MAX_COUNT = 10_000
MAX_INTEGER = 2**63


def page(connection: Connection, request: ListRequest) -> ListResponse:
    """Return a page of records, or of the versions of one record."""
    query, keyset = _versions(request) if request.filter.versions_of else _records(request)
    if not request.filter.include_deleted:
        query = query.where(record.c.delete_time.is_(None))
    response = ListResponse(storage_correlation_id=request.storage_correlation_id)
    if request.count:
        count = select(func.count()).select_from(query.limit(MAX_COUNT).subquery())
        response.total_size = connection.execute(count).scalar_one()
    ascending = request.order == ListOrder.LIST_ORDER_OLDEST_FIRST
    if request.page_token:
        key, previous = tuple_(*keyset), tuple_(*_decode_token(request))
        query = query.where(key > previous if ascending else key < previous)
    query = query.order_by(*(column.asc() if ascending else column.desc() for column in keyset))
    rows = connection.execute(query.limit(request.page_size + 1)).all()
    response.records.extend(to_record(row._mapping) for row in rows[: request.page_size])
    if len(rows) > request.page_size:
        last = rows[request.page_size - 1]
        position = json.dumps([getattr(last, column.name) for column in keyset], separators=(",", ":"))
        response.next_page_token = page_tokens.encode(position.encode(), listing=_identity(request))
    return response


def _records(request: ListRequest) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    filter_ = request.filter
    query = select(*COLUMNS).join_from(record, record_version, LATEST_VERSION).where(record.c.kind == request.kind)
    for name in INDEX_NAMES:
        if name != "state" and (value := getattr(filter_.index, name)):
            query = query.where(record.c[name] == value)
    if filter_.states:
        query = query.where(record.c.state.in_(list(filter_.states)))
    if filter_.HasField("create_time_from"):
        query = query.where(record.c.create_time >= filter_.create_time_from.ToMicroseconds())
    if filter_.HasField("create_time_before"):
        query = query.where(record.c.create_time < filter_.create_time_before.ToMicroseconds())
    return query, [record.c.create_time, record.c.id]


def _versions(request: ListRequest) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    one_record = (record_version.c.kind == request.kind) & (record_version.c.id == request.filter.versions_of)
    query = select(*COLUMNS).join_from(record_version, record, SAME_RECORD).where(one_record)
    return query, [record_version.c.version]


def _decode_token(request: ListRequest) -> list[Any]:
    try:
        position = json.loads(page_tokens.decode(request.page_token, listing=_identity(request)))
    except page_tokens.InvalidPageToken as error:
        raise InvalidField("page_token", str(error)) from error
    except ValueError:
        position = None
    # Without a key, anybody can make a token; what a database does with a wrong type differs.
    types = [int] if request.filter.versions_of else [int, str]
    if not isinstance(position, list) or [type(each) for each in position] != types:
        raise InvalidField("page_token", "is not a page token of this service")
    if not 0 <= position[0] < MAX_INTEGER or any("\0" in each for each in position[1:]):
        raise InvalidField("page_token", "is not a page token of this service")
    return position


def _identity(request: ListRequest) -> bytes:
    """Return what a page token is bound to."""
    listing = ListRequest(kind=request.kind, filter=request.filter, order=request.order)
    return listing.SerializeToString(deterministic=True)
