"""Many events, while the bridge dies and among poison: in order for each map, and each once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tabletop.image.v1.image_service_pb2 import UndeleteImageRequest

from image_grpc import app
from image_grpc.config import load
from tests.bridge.maps import EVENT, delete_map, map_with_overlay, moved, now, place
from tests.bridge.plain import PlainClient, envelope, plain_client
from tests.cli.processes import run
from tests.contracts.patience import eventually
from tests.faults.platform import Program
from tests.service import Service, service

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("bridge")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A server whose bridge is elsewhere: its own hub is inside of its process."""
    async with service(tmp_path_factory.mktemp("server")) as running:
        yield running


async def depth(client: PlainClient, queue: str) -> int:
    declared = await client.channel.declare_queue(queue, passive=True)
    return int(declared.declaration_result.message_count)


async def test_every_map_ends_in_its_last_state_though_the_bridge_is_killed(
    host: str, server: Service, tmp_path: Path
) -> None:
    maps, steps = 20, 50
    overlays = await asyncio.gather(*(map_with_overlay(server) for _ in range(maps)))
    # Shuffled between the maps, in order for each.
    order = [overlay for overlay in overlays for _ in range(steps)]
    random.Random(5).shuffle(order)
    next_step = {overlay.id: iter(range(1, steps + 1)) for overlay in overlays}

    arguments = ["bridge", "--target", server.running.address, "--hub-url", host]
    programs = [Program(f"bridge-{number}", arguments, "(serves)", tmp_path) for number in range(2)]
    async with plain_client(host) as client:
        await asyncio.gather(*(program.start() for program in programs))
        try:

            async def tell() -> None:
                for overlay in order:
                    await client.tell(EVENT, moved(overlay, next(next_step[overlay.id])))

            async def handled(count: int) -> bool:
                return sum([(await now(server, overlay)).version - 1 for overlay in overlays]) >= count

            telling = asyncio.create_task(tell())
            # One has the queue, the other stands by; whichever it is, both are killed.
            for program, count in zip(programs, (200, 400), strict=True):
                await eventually(lambda count=count: handled(count), f"{count} events are handled")  # type: ignore[misc]
                await program.kill()
                await program.start()
            await telling

            async def all_there() -> bool:
                return all([place(await now(server, overlay)) == steps for overlay in overlays])

            await eventually(all_there, "every map is in its last state")
        finally:
            await asyncio.gather(*(program.kill() for program in programs))
        assert [(await now(server, overlay)).version for overlay in overlays] == [1 + steps] * maps
        assert await depth(client, "image.dead") == 0


async def test_poison_is_put_aside_and_what_is_mended_can_be_replayed(host: str, server: Service) -> None:
    good, poison = 2000, 200
    overlays = await asyncio.gather(*(map_with_overlay(server) for _ in range(10)))
    broken = await map_with_overlay(server)
    await delete_map(server, broken)
    mixed: list[object] = []
    for number in range(good):
        mixed.append(moved(overlays[number % len(overlays)], number))
        if number % (good // poison) == 0:
            bad: list[object] = [
                b"<html>",
                envelope("map_state_changed", {"overlay_updates": "none"}),
                envelope(
                    "map_state_changed", {"map_id": overlays[0].map_id, "overlay_updates": [{"overlay_id": "x"}]}
                ),
                moved(broken, 7),
            ]
            mixed.append(bad[len(mixed) // 11 % len(bad)])
    async with app.bridge(load(hub_url=host), server.running.address), plain_client(host) as client:
        for event in mixed:
            await client.tell(EVENT, event)

        async def all_there() -> bool:
            return sum([(await now(server, overlay)).version for overlay in overlays]) == good + len(overlays)

        await eventually(all_there, "all good ones have taken effect")
        assert await depth(client, "image.dead") == poison
        await server.images.UndeleteImage(UndeleteImageRequest(image_id=broken.map_id))
        code, out, _ = await run("dead-letters", "replay", "--reason", "IMAGE_NOT_FOUND", IMAGE_GRPC_HUB_URL=host)
        assert code == 0
        assert f"{poison // 4} replayed" in out

        async def mended() -> bool:
            return place(await now(server, broken)) == 7

        await eventually(mended, "what was mended has taken effect")
        assert await depth(client, "image.dead") == poison * 3 // 4
