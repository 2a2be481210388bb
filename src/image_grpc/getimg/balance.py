"""Watches the balance at GetImg.AI, so that operators are warned before calls fail with 402."""

import asyncio
from decimal import Decimal

import structlog

from image_grpc.errors import ServiceError
from image_grpc.getimg.client import GetimgClient

INTERVAL_SECONDS = 300.0

log = structlog.get_logger(__name__)


class BalanceMonitor:
    """Reads the balance periodically, through a client of its own: a key may lack the permission to read it."""

    def __init__(self, client: GetimgClient, *, low: Decimal) -> None:
        """The balance is `low` below this amount in USD."""
        self._client, self._low = client, low
        self.balance: Decimal | None = None
        """The balance when it was read last, in USD; None if it is not known."""

    @property
    def is_low(self) -> bool:
        """Return whether the balance is known to be low."""
        return self.balance is not None and self.balance < self._low

    async def run(self) -> None:
        """Read the balance until cancelled."""
        while self._client.configured:
            try:
                self.balance = await self._client.balance()
            except ServiceError as problem:
                log.info("the balance at GetImg.AI is not known", problem=problem.message)
            except Exception:  # the next attempt may succeed
                log.exception("the balance at GetImg.AI is not known")
            if self.is_low:
                log.warning("the balance at GetImg.AI is low", balance=str(self.balance))
            await asyncio.sleep(INTERVAL_SECONDS)
