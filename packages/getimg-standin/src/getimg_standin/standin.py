"""The stand-in: its server, settings, counters and faults."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from getimg_standin.application import create_application
from getimg_standin.behavior import Behavior
from getimg_standin.connections import Connections
from getimg_standin.faults import Fault
from getimg_standin.gallery import Gallery
from getimg_standin.hosting import serve
from getimg_standin.workspace import Workspace


class Standin:
    """A stand-in for the GetImg.AI API v2 with its own workspace, balance and faults.

    Bound to one event loop. Counters, balance and faults survive a `listen` block. Picture URLs stay valid
    for every stand-in with the same API key.
    """

    def __init__(
        self,
        *,
        api_key: str = "standin-key",
        behavior: Behavior | None = None,
        clock: Callable[[], float] = time.time,
        gallery: Gallery | None = None,
    ) -> None:
        """`clock` returns seconds since the epoch; URL expiry, the rate limit and billing dates depend on it.

        `gallery` lets stand-ins of one event loop share the pictures that they have drawn; its owner closes it.
        """
        self._workspace = Workspace(api_key=api_key, behavior=behavior or Behavior(), clock=clock)
        self._shared_gallery = gallery
        self._listening = False

    @asynccontextmanager
    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve within the block; yield the base URL, without a trailing slash.

        Installs no signal handlers. Raises OSError if the address cannot be bound, RuntimeError if this
        stand-in is already listening.
        """
        if self._listening:
            raise RuntimeError("this stand-in is already listening")
        self._listening = True
        gallery, connections = self._shared_gallery or Gallery(), Connections()
        try:
            app = create_application(self._workspace, gallery, connections)
            async with serve(app, host, port, connections) as url:
                yield url
        finally:
            if gallery is not self._shared_gallery:
                gallery.close()
            self._listening = False

    @property
    def api_key(self) -> str:
        """The API key that clients must send."""
        return self._workspace.api_key

    @property
    def behavior(self) -> Behavior:
        """The current settings; assigning a different balance replaces the remaining one."""
        return self._workspace.behavior

    @behavior.setter
    def behavior(self, behavior: Behavior) -> None:
        self._workspace.behavior = behavior

    def add_fault(self, fault: Fault) -> None:
        """Append a fault; earlier faults of its group (generations or downloads) apply first."""
        self._workspace.faults.add(fault)

    def clear_faults(self) -> None:
        """Remove all faults; requests that already hang continue to hang."""
        self._workspace.faults.clear()

    def reset(self) -> None:
        """Set the counters to zero; balance, faults and behavior are unchanged."""
        self._workspace.reset_counters()

    @property
    def calls(self) -> int:
        """Number of generation requests, including failed ones."""
        return self._workspace.calls

    @property
    def billed(self) -> int:
        """Number of billed pictures."""
        return self._workspace.billed

    @property
    def total_cost(self) -> Decimal:
        """Billed USD."""
        return self._workspace.total_cost

    @property
    def balance(self) -> Decimal:
        """Remaining USD."""
        return self._workspace.ledger.balance

    @property
    def downloads(self) -> int:
        """Number of download requests with a valid signature, including failed ones."""
        return self._workspace.downloads

    @property
    def in_flight(self) -> int:
        """Number of generations in progress."""
        return self._workspace.in_flight

    @property
    def max_in_flight_seen(self) -> int:
        """Highest number of concurrent generations so far."""
        return self._workspace.max_in_flight_seen

    @property
    def prompts(self) -> deque[dict[str, object]]:
        """JSON bodies of the last 1,000 generation requests, inline pictures shortened, newest last."""
        return self._workspace.prompts
