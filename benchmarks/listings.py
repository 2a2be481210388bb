"""Pages of listings with a million records on PostgreSQL, with the filters of the API, and the plans of the queries."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tabletop.storage.v1.record_pb2 import IndexFields
from tabletop.storage.v1.storage_pb2 import ListFilter, ListRequest

from benchmarks import million_records
from benchmarks.report import Row
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.listing import page
from image_grpc_testkit.servers.postgresql import postgresql_cluster

PAGE_SIZE, PAGE = 50, 1000
STEP = 500
"""Records per request on the way to page PAGE: tokens do not depend on it."""
ROUNDS = 7
TARGET = "< 20 ms each"
COMMON = {
    "type": "map",
    "subtype": "tactical",
    "theme": "theme_3",
    "source_id": "00000000-0000-4000-8000-000000000007",
    "service": "service_2",
    "state": "succeeded",
}
"""Values that many records have, of the source 20."""
RARE = {**COMMON, "type": "item", "subtype": "armor", "theme": "theme_19", "service": "smithy", "state": "failed"}
"""Values of which some occur in one of 100,000 records."""


@dataclass(kw_only=True, slots=True)
class Listing:
    """A listing with a filter, and what was measured."""

    name: str
    request: ListRequest
    milliseconds: float = 0.0
    nodes: set[str] = field(default_factory=set)
    """Types of the nodes in the plan of its query."""


async def measure(folder: Path) -> list[Row]:
    """Measure on a new database, each query repeatedly: its pages are in memory."""
    with postgresql_cluster() as cluster:
        database = Database(cluster.url)
        await database.start()
        try:
            await asyncio.to_thread(_fill, cluster.url)
            rows = [await _both_pages(database, listing) for listing in _with_common_filters()]
            combinations = list(_all_combinations())
            for listing in combinations:
                await _measure(database, listing)
        finally:
            await database.close()
    return [*rows, *_summary(combinations)]


def _fill(url: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        million_records.fill(connection)
    engine.dispose()


def _listing(values: Mapping[str, str], suffix: str = "") -> Listing:
    filter_ = ListFilter(index=IndexFields(**{name: value for name, value in values.items() if name != "state"}))
    if "state" in values:
        filter_.states.append(values["state"])
    name = f"by {', '.join(values)}{suffix}" if values else "without a filter"
    request = ListRequest(kind=million_records.KIND, filter=filter_, page_size=PAGE_SIZE)
    return Listing(name=name, request=request)


def _with_common_filters() -> Iterator[Listing]:
    """Yield the listing without a filter, and those with one filter that many records match."""
    yield _listing({})
    for name in COMMON:
        if name == "subtype":  # the service adds its type
            yield _listing({"type": COMMON["type"], name: COMMON[name]})
        elif name != "source_id":
            yield _listing({name: COMMON[name]})


def _all_combinations() -> Iterator[Listing]:
    """Yield the listings with each combination of filters, with common and with rare values."""
    for count in range(1, len(COMMON) + 1):
        for names in itertools.combinations(COMMON, count):
            if "subtype" in names and "type" not in names:  # the service adds the type of a subtype
                continue
            yield _listing({name: COMMON[name] for name in names})
            yield _listing({name: RARE[name] for name in names}, " (rare)")


async def _both_pages(database: Database, listing: Listing) -> Row:
    """Return the row for the first page and page PAGE."""
    first = await _measure(database, listing)
    request = ListRequest()
    request.CopyFrom(listing.request)
    skipped = (PAGE - 1) * PAGE_SIZE
    for start in range(0, skipped, STEP):
        request.page_size = min(STEP, skipped - start)
        request.page_token = (await database.read(partial(page, request=request))).next_page_token
    request.page_size = PAGE_SIZE
    distant = Listing(name=listing.name, request=request)
    last = await _measure(database, distant)
    plan = "index only" if _uses_indexes_only(listing) and _uses_indexes_only(distant) else "NOT index only"
    return Row(
        name=f"page 1; page {PAGE:,} of {million_records.COUNT:,} records {listing.name}",
        ours=f"{first:.2g} ms; {last:.2g} ms; {plan}",
        target=f"{TARGET}, index only",
    )


async def _measure(database: Database, listing: Listing) -> float:
    """Measure a page, note the plan of its query, and return the milliseconds."""
    durations = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await database.read(partial(page, request=listing.request))
        durations.append((time.perf_counter() - started) * 1000)
    listing.milliseconds = statistics.median(durations)
    listing.nodes = set(_node_types(await database.read(partial(_plan, request=listing.request))))
    return listing.milliseconds


def _plan(connection: sa.Connection, request: ListRequest) -> Any:
    """Return PostgreSQL's plan for the query that returns a page."""
    executed: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        executed.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", note)
    page(connection, request)
    statement, parameters = executed[-1]
    explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    return explained.scalar_one()[0]["Plan"]


def _node_types(plan: Mapping[str, Any]) -> Iterator[str]:
    yield plan["Node Type"]
    for child in plan.get("Plans", ()):
        yield from _node_types(child)


def _uses_indexes_only(listing: Listing) -> bool:
    """Return whether the plan has neither a sequential scan nor a sort."""
    return not any("Seq Scan" in node or "Sort" in node for node in listing.nodes)


def _summary(combinations: Iterable[Listing]) -> list[Row]:
    """Return the rows for all combinations of filters."""
    slowest = sorted(combinations, key=lambda listing: listing.milliseconds, reverse=True)
    slow = [listing for listing in slowest if listing.milliseconds >= 20]
    others = [listing for listing in slowest if not _uses_indexes_only(listing)]
    rows = [
        Row(name=f"page 1 with each of {len(slowest)} combinations of filters: 20 ms or more", ours=str(len(slow))),
        *(Row(name=f"  {listing.name}", ours=f"{listing.milliseconds:.3g} ms", target=TARGET) for listing in slow[:8]),
        Row(name="  plans with a sequential scan or a sort", ours=str(len(others)), target="0"),
    ]
    for listing in others[:8]:
        nodes = ", ".join(sorted(listing.nodes))
        rows.append(Row(name=f"    {listing.name}", ours=f"{listing.milliseconds:.3g} ms, {nodes}"))
    return rows
