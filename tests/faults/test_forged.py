"""Forged messages stop nobody. `python -m tests.faults.forged` publishes many more, to a platform of real processes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tabletop.image.v1.generation_pb2 import GenerationState

from image_grpc.hub import topology
from image_grpc_testkit.servers.rabbitmq import Node
from tests.bridge.plain import plain_client
from tests.faults.forged import Report, publish
from tests.faults.forged_messages import HEADERS, Forger
from tests.service import portrait, service

MESSAGES = 300
SEED = 7


@pytest.fixture
def _silent() -> Iterator[None]:
    """Keep logged tracebacks from being rendered, which would take most of the time."""
    with capture_logs():
        yield


@pytest.mark.usefixtures("_silent")
async def test_forged_messages_do_not_disturb_others(node: Node, tmp_path: Path) -> None:
    url, report = node.add_virtual_host(), Report()
    forger = Forger(random.Random(SEED), [queue.name for queue in topology.QUEUES])
    async with service(tmp_path, hub_url=url) as running, plain_client(url) as client:
        await publish(url, [forger.create() for _ in range(MESSAGES)], report)
        assert (report.published, report.refused) == (MESSAGES, 0)
        reply = await client.request("ThemeService.ListThemes", {})
        assert reply["payload"]["themes"]
        generation = await running.generate(portrait())
        assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED
        for queue in topology.QUEUES:
            if queue.name != topology.DEAD_QUEUE:
                await client.wait_for_depth(queue.name, 0)


def test_there_are_many_absurd_headers() -> None:
    assert len(HEADERS) >= 70
