"""`python -m tests.bridge` handles 1,000 events of 20 maps while both bridges are killed, and 2,000 valid events
among 200 invalid ones. Failures are raised."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from image_grpc import logs
from image_grpc_testkit.servers.rabbitmq import rabbitmq
from tests.bridge.many_events import handle_valid_events_among_invalid_ones, move_tokens_while_bridges_are_killed
from tests.service import service


async def main(folder: Path) -> None:
    with rabbitmq() as node:
        async with service(folder / "server") as server:
            started = time.monotonic()
            await move_tokens_while_bridges_are_killed(node.url, server, folder, maps=20, steps=50)
            print(f"1,000 events on 20 maps, two bridges killed: {time.monotonic() - started:.1f} s")
            started = time.monotonic()
            await handle_valid_events_among_invalid_ones(node.url, server, valid=2000, invalid=200)
            print(f"2,000 valid events among 200 invalid ones: {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    logs.set_up_logs("ERROR")
    with tempfile.TemporaryDirectory(prefix="image-grpc-bridge-") as temporary:
        asyncio.run(main(Path(temporary)))
