"""Pictures and money per caller and day, counted by the Storage Service for all replicas.

The expected cost is reserved with the generation, in one transaction, and settled with its end. So a budget is never
exceeded, whatever happens to a process: what may have been billed stays reserved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_UP, Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord, Reservation
from tabletop.image.v1.generation_pb2 import Cost
from tabletop.storage.v1.storage_pb2 import CounterChange

from image_grpc.errors import ApiError, QuotaExceeded
from image_grpc.names import key_part
from image_grpc.quotas.limits import Limits, LimitsFile, current_caller
from image_grpc.retry import SOON
from image_grpc.storage import LimitExceeded, UnitOfWork

MICRO = 1_000_000
KEPT = timedelta(days=8)
"""A day's counters are kept for this time after it began: generations are settled by then."""


def needs_price() -> bool:
    """Return whether the current caller has a budget, so that prices must be known."""
    caller = current_caller()
    return caller is not None and caller.limits.cost_per_day is not None


def reserve(unit: UnitOfWork, record: GenerationRecord, price: Cost | None) -> None:
    """Reserve a picture and its price for the current caller, in the unit of work that stores its record.

    Raises ApiError if there is a budget and the price is unknown. `commit` raises LimitExceeded, see `translated`.
    """
    caller = current_caller()
    if caller is None or not caller.limits.daily:
        return
    if price is None and caller.limits.cost_per_day is not None:
        raise ApiError(
            f"GetImg.AI has no price for {record.generation.model}, which the budget needs", retry_delay=SOON
        )
    micros = _micros(price.amount) if price is not None else 0
    day = datetime.now(UTC).date().isoformat()
    record.reservation.CopyFrom(Reservation(caller=caller.name, day=day, cost=micros, price=micros))
    pictures, budget = _maximums(caller.limits)
    unit.count(
        _change(record.reservation, "pictures", 1, pictures), _change(record.reservation, "cost", micros, budget)
    )


def reserve_again(unit: UnitOfWork, record: GenerationRecord, limits: LimitsFile, *, interrupted: bool) -> None:
    """Reserve the price of the next call for a generation, in the unit of work that stores its record.

    Nothing is reserved if the price still is, because no call was billed. `interrupted` is set if the result of the
    previous call is unknown. `commit` raises LimitExceeded.
    """
    reservation = record.reservation
    if not reservation.price:
        return
    reservation.unknown += reservation.price if interrupted else 0
    missing = _spent(record) + reservation.price - reservation.cost
    if missing <= 0:
        return
    reservation.cost += missing
    caller = limits.of(reservation.caller)
    _, budget = _maximums(caller.limits) if caller is not None else (None, None)
    unit.count(_change(reservation, "cost", missing, budget))


def settle(unit: UnitOfWork, record: GenerationRecord, *, succeeded: bool, maybe_billed: bool = False) -> None:
    """Replace what is reserved for a generation that ends by what it cost, in the unit of work that stores its end.

    `maybe_billed` is set if the result of the last call is unknown. Such calls count as billed.
    """
    if not record.HasField("reservation"):
        return
    reservation = record.reservation
    spent = _spent(record) + (reservation.price if maybe_billed else 0)
    if spent != reservation.cost:
        unit.count(_change(reservation, "cost", spent - reservation.cost, None))
    if not succeeded:
        unit.count(_change(reservation, "pictures", -1, None))


@contextmanager
def translated(caller: str) -> Iterator[None]:
    """Raise QuotaExceeded for a commit within the block that would exceed a daily limit of this caller."""
    try:
        yield
    except LimitExceeded as exceeded:
        now = datetime.now(UTC)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        counter = str(exceeded).removeprefix(f"{exceeded.field}: ")
        what = "number of pictures" if counter.startswith("pictures/") else "budget"
        raise QuotaExceeded(
            f"the {what} of {caller or 'this caller'} for {now.date()} (UTC) is used up",
            metadata={"caller": caller},
            retry_delay=(tomorrow - now).total_seconds(),
        ) from exceeded


def _maximums(limits: Limits) -> tuple[int | None, int | None]:
    budget = limits.cost_per_day
    return limits.pictures_per_day, int(budget * MICRO) if budget is not None else None


def _spent(record: GenerationRecord) -> int:
    """Return what GetImg.AI has billed for a generation, or may have, in millionths."""
    return _micros(record.generation.cost.amount) + record.reservation.unknown


def _change(reservation: Reservation, what: str, add: int, maximum: int | None) -> CounterChange:
    expire_time = Timestamp()
    expire_time.FromDatetime(datetime.fromisoformat(reservation.day) + KEPT)
    name = f"{what}/{reservation.day}/{key_part(reservation.caller)}"
    return CounterChange(name=name, add=add, maximum=maximum, expire_time=expire_time)


def _micros(amount: str) -> int:
    """Return an amount of money in millionths, rounded up."""
    return int((Decimal(amount or 0) * MICRO).to_integral_value(ROUND_UP))
