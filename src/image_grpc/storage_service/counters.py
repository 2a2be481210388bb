"""Counters with limits, changed within the transaction of a batch."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, select, update
from tabletop.storage.v1.storage_pb2 import CounterChange, CounterResult

from image_grpc.storage_service.database import insert_new, microseconds
from image_grpc.storage_service.errors import InvalidField, LimitExceeded, Unavailable
from image_grpc.storage_service.schema import counter

_LOCK = (
    select(counter)
    .where(counter.c.name.in_(bindparam("names", expanding=True)))
    .order_by(counter.c.name)  # in one order for all transactions, so that they wait instead of deadlocking
    .with_for_update()
)
_UPDATE = (
    update(counter)
    .where(counter.c.name == bindparam("key"))
    .values(value=bindparam("new_value"), expire_time=bindparam("new_expire_time"))
)


class Counters:
    """The counters that several requests change; each request sees the changes of those before."""

    def __init__(self, connection: Connection, changes: Iterable[CounterChange]) -> None:
        """Lock the counters, creating those that do not exist. Raises Unavailable."""
        self._connection = connection
        names = sorted({change.name for change in changes})
        self._values: dict[str, int] = {}
        self._expire_times: dict[str, int] = {}
        self._changed: set[str] = set()
        if not names:
            return
        insert_new(connection, counter, [{"name": name, "value": 0, "expire_time": 0} for name in names])
        now = microseconds()
        for row in connection.execute(_LOCK, {"names": names}):
            expired = row.expire_time < now
            self._values[row.name] = 0 if expired else row.value
            self._expire_times[row.name] = 0 if expired else row.expire_time
        if len(self._values) < len(names):
            raise Unavailable("a counter expired meanwhile", by_statement=True)

    def check(self, changes: Sequence[CounterChange]) -> list[CounterResult]:
        """Return what the changes of a request lead to, without any effect. Raises LimitExceeded, InvalidField."""
        results = []
        for index, change in enumerate(changes):
            path = f"batch.counters[{index}]"
            if any(change.name == earlier.name for earlier in changes[:index]):
                raise InvalidField(f"{path}.name", "is the name of an earlier change")
            results.append(_result(self._values[change.name], change, path))
        return results

    def accept(self, changes: Sequence[CounterChange], results: Sequence[CounterResult]) -> None:
        """Apply the changes that were checked last."""
        for change, result in zip(changes, results, strict=True):
            self._values[change.name] = result.value
            expire_time = change.expire_time.ToMicroseconds()
            self._expire_times[change.name] = max(self._expire_times[change.name], expire_time)
            self._changed.add(change.name)

    def write(self) -> None:
        """Write the counters that have changed."""
        rows = [
            {"key": name, "new_value": self._values[name], "new_expire_time": self._expire_times[name]}
            for name in sorted(self._changed)
        ]
        if rows:
            self._connection.execute(_UPDATE, rows)


def _result(value: int, change: CounterChange, path: str) -> CounterResult:
    added = change.add
    if change.HasField("maximum") and value + added > change.maximum:
        if not change.partial:
            raise LimitExceeded(path, f"{change.name} is {value}; {added} more would exceed {change.maximum}")
        added = max(0, change.maximum - value)
    if not -(2**63) <= value + added < 2**63:
        raise InvalidField(f"{path}.add", "leads to a value of more than 64 bits")
    return CounterResult(added=added, value=value + added)
