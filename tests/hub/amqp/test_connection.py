"""Connections to RabbitMQ that cannot be opened."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable

import pytest
from aio_pika.abc import AbstractConnection

from image_grpc.hub.amqp.connection import connect, connect_robust
from image_grpc_testkit.servers.processes import free_port


@pytest.mark.parametrize("open_connection", [connect, connect_robust])
def test_a_connection_that_cannot_be_opened_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture, open_connection: Callable[[str, str], Awaitable[AbstractConnection]]
) -> None:
    # A record of the error would keep its traceback, and so the connection, until the end of the test.
    caplog.set_level(logging.CRITICAL, logger="aiormq")

    async def fail() -> None:
        with pytest.raises(ConnectionError):
            await open_connection(f"amqp://127.0.0.1:{free_port()}/", "test")

    with asyncio.Runner() as runner:
        runner.run(fail())
        gc.collect()  # aio-pika creates a task that closes the connection, unless it is closed already
        assert not asyncio.all_tasks(runner.get_loop())
