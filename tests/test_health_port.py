"""The health of a process that serves no other RPC."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from image_grpc import app
from image_grpc.config import load
from image_grpc.health_port import health_port
from image_grpc.probe import serves
from tests.servers import free_port, rabbitmq


async def test_a_storage_process_serves_while_it_takes_requests(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with rabbitmq() as node:
        async with app.storage(load(hub_url=node.url, data_dir=tmp_path, health_listen=address)):
            assert await asyncio.to_thread(serves, address)
    assert not await asyncio.to_thread(serves, address)


async def test_a_port_that_is_taken_is_told() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with health_port(address):
        with pytest.raises(OSError, match=address):
            async with health_port(address):
                pass
