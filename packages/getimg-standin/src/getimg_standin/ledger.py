"""What the workspace may still spend and what it has spent by day."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal


class BalanceSpent(Exception):
    """The balance is lower than the price."""


class Ledger:
    """Balance and costs in USD."""

    def __init__(self, balance: Decimal) -> None:
        self.balance = balance
        self._costs: defaultdict[date, Decimal] = defaultdict(Decimal)

    def charge(self, price: Decimal, now: datetime) -> None:
        """Takes `price` off the balance. Raises BalanceSpent, and takes nothing, if it is not covered."""
        if price > self.balance:
            raise BalanceSpent
        self.balance -= price
        self._costs[now.astimezone(UTC).date()] += price

    def daily_costs(self, start: datetime, end: datetime) -> dict[date, Decimal]:
        """Costs of every UTC calendar date from `start` to `end`, both inclusive, zero ones too."""
        first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return {day: self._costs.get(day, Decimal(0)) for day in days}
