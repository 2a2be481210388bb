"""`python -m tests.bridge`: 1,000 events on 20 maps while both bridges are killed, and 200 poison messages among
2,000 good ones. What fails is raised."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from image_grpc import telemetry
from tests.bridge.many_events import moves_while_bridges_are_killed, poison_among_good_ones
from tests.servers import rabbitmq
from tests.service import service


async def main(folder: Path) -> None:
    with rabbitmq() as node:
        async with service(folder / "server") as server:
            started = time.monotonic()
            await moves_while_bridges_are_killed(node.url, server, folder, maps=20, steps=50)
            print(f"1,000 events on 20 maps, two bridges killed: {time.monotonic() - started:.1f} s")
            started = time.monotonic()
            await poison_among_good_ones(node.url, server, good=2000, poison=200)
            print(f"200 poison messages among 2,000 good ones: {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    telemetry.set_up_logs("ERROR")
    with tempfile.TemporaryDirectory(prefix="image-grpc-bridge-") as temporary:
        asyncio.run(main(Path(temporary)))
