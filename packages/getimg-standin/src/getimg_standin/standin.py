"""The stand-in as a whole."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from getimg_standin.application import application
from getimg_standin.behavior import Behavior
from getimg_standin.connections import Connections
from getimg_standin.faults import Fault
from getimg_standin.gallery import Gallery
from getimg_standin.hosting import serve
from getimg_standin.workspace import Workspace


class Standin:
    """A stand-in of the GetImg.AI API v2 with its own workspace, balance and faults.

    Belongs to one event loop. Counters, balance and faults outlive a `listen` block, as do the picture
    URLs it handed out: they are good with every stand-in that has the same API key.
    """

    def __init__(
        self,
        *,
        api_key: str = "standin-key",
        behavior: Behavior | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since the epoch; URL expiry, the rate limit and billing dates go by it."""
        self._workspace = Workspace(api_key=api_key, behavior=behavior or Behavior(), clock=clock)
        self._listening = False

    @asynccontextmanager
    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serves within the block; yields the base URL (without a slash at its end).

        Installs no signal handlers. Raises OSError when the address cannot be bound, RuntimeError when this
        stand-in is listening already.
        """
        if self._listening:
            raise RuntimeError("this stand-in is listening already")
        self._listening = True
        gallery, connections = Gallery(), Connections()
        try:
            app = application(self._workspace, gallery, connections)
            async with serve(app, host, port, connections) as url:
                yield url
        finally:
            gallery.close()
            self._listening = False

    @property
    def api_key(self) -> str:
        """The key that clients must present."""
        return self._workspace.api_key

    @property
    def behavior(self) -> Behavior:
        """Can be set at any time; another starting balance replaces what is left of the old one."""
        return self._workspace.behavior

    @behavior.setter
    def behavior(self, behavior: Behavior) -> None:
        self._workspace.behavior = behavior

    def add_fault(self, fault: Fault) -> None:
        """Queues a fault behind those of its group (generations or downloads) that are still there."""
        self._workspace.faults.add(fault)

    def clear_faults(self) -> None:
        """Forgets all faults; requests that already hang go on hanging."""
        self._workspace.faults.clear()

    def reset(self) -> None:
        """Sets the counters to zero; balance, faults and behavior stay."""
        self._workspace.reset_counters()

    @property
    def calls(self) -> int:
        """Generations asked for, whatever became of them."""
        return self._workspace.calls

    @property
    def billed(self) -> int:
        """Pictures charged for."""
        return self._workspace.billed

    @property
    def total_cost(self) -> Decimal:
        """USD charged."""
        return self._workspace.total_cost

    @property
    def balance(self) -> Decimal:
        """USD left."""
        return self._workspace.ledger.balance

    @property
    def downloads(self) -> int:
        """Pictures asked for with a good signature, whatever became of them."""
        return self._workspace.downloads

    @property
    def in_flight(self) -> int:
        """Generations being served now."""
        return self._workspace.in_flight

    @property
    def max_in_flight_seen(self) -> int:
        """The most generations that were being served at the same time."""
        return self._workspace.max_in_flight_seen

    @property
    def prompts(self) -> deque[dict[str, object]]:
        """The JSON bodies of the last 1,000 generations, inline pictures shortened, newest last."""
        return self._workspace.prompts
