"""Many events are handled once and in order per map, while bridges are killed, and among invalid events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bridge.many_events import handle_valid_events_among_invalid_ones, move_tokens_while_bridges_are_killed
from tests.service import Service, service

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A server with an in-process hub, whose bridges are started by the tests."""
    async with service(tmp_path_factory.mktemp("server")) as running:
        yield running


async def test_every_map_reaches_its_last_state_while_bridges_are_killed(
    host: str, server: Service, tmp_path: Path
) -> None:
    await move_tokens_while_bridges_are_killed(host, server, tmp_path, maps=20, steps=25)


async def test_dead_lettered_events_can_be_replayed_after_a_repair(other_host: str, server: Service) -> None:
    await handle_valid_events_among_invalid_ones(other_host, server, valid=200, invalid=20)
