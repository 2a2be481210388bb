"""Many events while the bridge dies, and among poison: in order for each map, and each once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bridge.many_events import moves_while_bridges_are_killed, poison_among_good_ones
from tests.service import Service, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A server whose bridge is elsewhere: its own hub is inside of its process."""
    async with service(tmp_path_factory.mktemp("server")) as running:
        yield running


async def test_every_map_ends_in_its_last_state_though_the_bridge_is_killed(
    host: str, server: Service, tmp_path: Path
) -> None:
    await moves_while_bridges_are_killed(host, server, tmp_path, maps=20, steps=50)


async def test_poison_is_put_aside_and_what_is_mended_can_be_replayed(other_host: str, server: Service) -> None:
    await poison_among_good_ones(other_host, server, good=400, poison=40)
