"""The remaining balance and the costs by day."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal


class InsufficientBalance(Exception):
    """The price exceeds the balance."""


class Ledger:
    """Balance and costs in USD."""

    def __init__(self, balance: Decimal) -> None:
        self.balance = balance
        self._costs: defaultdict[date, Decimal] = defaultdict(Decimal)

    def charge(self, price: Decimal, now: datetime) -> None:
        """Subtract `price` from the balance. Raises InsufficientBalance, without effect, if it is not covered."""
        if price > self.balance:
            raise InsufficientBalance
        self.balance -= price
        self._costs[now.astimezone(UTC).date()] += price

    def daily_costs(self, start: datetime, end: datetime) -> dict[date, Decimal]:
        """Return the costs of each UTC date from `start` to `end`, both inclusive; dates without costs are 0."""
        first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return {day: self._costs.get(day, Decimal(0)) for day in days}
