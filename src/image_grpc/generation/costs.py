"""Compares what generations cost by their records with what GetImg.AI reports for each day."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.storage.v1.storage_pb2 import CounterChange, ListFilter

from image_grpc.errors import ServiceError
from image_grpc.getimg import GetimgClient
from image_grpc.messages import from_now
from image_grpc.storage import ImageStorageClient, LimitExceeded, Storage

INTERVAL_SECONDS = 3600.0
PAGE_SIZE = 500
LONGEST_WAIT = timedelta(days=2)
"""A generation may be created this long before its picture."""
TOLERATED = Decimal(1)
"""The largest difference in USD that is not worth a look, as in the alert. Pictures at midnight count for any day."""
SETTLED_AFTER = timedelta(hours=1)
"""A day is compared this time after it is over, when GetImg.AI has billed it."""
DAYS = 3
"""A day that could not be compared is tried again for so many days."""
COMPARISON = timedelta(minutes=30)
"""Longest duration of a comparison. Afterwards, another process compares the day."""
COMPARED_FOR = timedelta(days=DAYS + 2)
"""How long it is known that a day was compared."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyCosts:
    """The costs of a day in UTC, in USD."""

    day: date
    reported: Decimal
    """By GetImg.AI."""
    recorded: Decimal
    """In the records of generations."""

    @property
    def difference(self) -> Decimal:
        """What was billed but not recorded; negative if it was recorded but not billed."""
        return self.reported - self.recorded

    @property
    def differs(self) -> bool:
        """Whether the difference is worth a look."""
        return abs(self.difference) > TOLERATED


async def compare_costs(storage: Storage, client: GetimgClient, first: date, last: date) -> Sequence[DailyCosts]:
    """Return the costs of each day. Reads every generation of this time. Raises ServiceError."""
    reported, recorded = await client.costs(first, last), await _recorded_costs(storage, first, last)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [DailyCosts(day=day, reported=reported.get(day, Decimal()), recorded=recorded[day]) for day in days]


async def _recorded_costs(storage: Storage, first: date, last: date) -> Mapping[date, Decimal]:
    filter_, token, costs = ListFilter(), "", defaultdict[date, Decimal](Decimal)
    filter_.create_time_from.CopyFrom(_midnight(first - LONGEST_WAIT))
    filter_.create_time_before.CopyFrom(_midnight(last + timedelta(days=1)))
    while True:
        records, token = await storage.generations.list(filter_, page_size=PAGE_SIZE, page_token=token)
        for record in records:
            if record.generation.cost.amount:
                day = record.generation.generate_time.ToDatetime(UTC).date()
                costs[day] += Decimal(record.generation.cost.amount)
        if not token:
            return costs


def _midnight(day: date) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime.combine(day, time(), UTC))
    return timestamp


class CostReconciler:
    """Compares the costs of each day once it is over, in one of the processes."""

    def __init__(self, storage: Storage, requester: ImageStorageClient, client: GetimgClient) -> None:
        """`client` is one of its own: a key may lack the permission to read costs."""
        self._storage, self._requester, self._client = storage, requester, client
        self.latest: DailyCosts | None = None
        """The costs of the last day that this process has compared."""

    async def run(self) -> None:
        """Compare until cancelled."""
        while self._client.configured:
            try:
                for offset in reversed(range(DAYS)):
                    await self.compare(_last_settled_day() - timedelta(days=offset))
            except ServiceError as problem:
                log.info("costs cannot be compared now", problem=problem.message)
            except Exception:  # the next attempt may succeed
                log.exception("comparing costs failed")
            await asyncio.sleep(INTERVAL_SECONDS)

    @property
    def difference(self) -> Decimal | None:
        """What was billed but not recorded on the last settled day; None if another process knows it, or nobody yet."""
        latest = self.latest
        return latest.difference if latest is not None and latest.day == _last_settled_day() else None

    async def compare(self, day: date) -> None:
        """Compare the costs of a day unless a process has done so. Raises ServiceError."""
        if not await self._claim(day):
            return
        [costs] = await compare_costs(self._storage, self._client, day, day)
        self.latest = costs
        with contextlib.suppress(LimitExceeded):  # it took so long that another process has compared the day as well
            await self._requester.count(_counter_change(f"costs compared/{day}", 1, COMPARED_FOR, maximum=1))
        amounts = {"reported": str(costs.reported), "recorded": str(costs.recorded)}
        if costs.differs:
            log.warning("reported and recorded costs differ", day=str(day), **amounts)
        else:
            log.info("costs compared", day=str(day), **amounts)

    async def _claim(self, day: date) -> bool:
        """Return whether this process is to compare the costs of a day: nobody has, or has begun to."""
        try:
            await self._requester.count(
                _counter_change(f"costs compared/{day}", 0, timedelta(seconds=1), maximum=0),
                _counter_change(f"costs claimed/{day}", 1, COMPARISON, maximum=1),
            )
        except LimitExceeded:
            return False
        return True


def _last_settled_day() -> date:
    return (datetime.now(UTC) - SETTLED_AFTER).date() - timedelta(days=1)


def _counter_change(name: str, add: int, kept: timedelta, *, maximum: int) -> CounterChange:
    return CounterChange(name=name, add=add, maximum=maximum, expire_time=from_now(kept))
