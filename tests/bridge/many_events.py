"""Many events while the bridge dies, and among poison: in order for each map, and each once.

`python -m tests.bridge` runs both at their full size.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tabletop.image.v1.image_service_pb2 import UndeleteImageRequest

from image_grpc import app
from image_grpc.settings import BridgeSettings, load
from tests.bridge.maps import EVENT, delete_map, map_with_overlay, moved, now, place
from tests.bridge.plain import envelope, plain_client
from tests.cli.processes import run
from tests.contracts.patience import eventually
from tests.faults.platform import Program
from tests.service import Service


async def moves_while_bridges_are_killed(host: str, server: Service, folder: Path, *, maps: int, steps: int) -> None:
    """Events that move something on each map step by step, shuffled between the maps. Two bridges, both killed on
    the way."""
    overlays = await asyncio.gather(*(map_with_overlay(server) for _ in range(maps)))
    # Shuffled between the maps, in order for each.
    order = [overlay for overlay in overlays for _ in range(steps)]
    random.Random(5).shuffle(order)
    next_step = {overlay.id: iter(range(1, steps + 1)) for overlay in overlays}

    arguments = ["bridge", "--target", server.running.address, "--hub-url", host]
    programs = [Program(f"bridge-{number}", arguments, "(connects)", folder) for number in range(2)]
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
            for program, count in zip(programs, (maps * steps // 5, maps * steps * 2 // 5), strict=True):
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
        await client.holds("image.dead", 0)


async def poison_among_good_ones(host: str, server: Service, *, good: int, poison: int) -> None:
    """Poison of four kinds; one of them is mended and replayed."""
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
                envelope("map_state_changed", {"map_id": overlays[0].map_id, "overlay_updates": [{"overlay_id": "x"}]}),
                moved(broken, 7),
            ]
            mixed.append(bad[len(mixed) // 11 % len(bad)])
    async with app.bridge(load(BridgeSettings, hub_url=host), server.running.address), plain_client(host) as client:
        for event in mixed:
            await client.tell(EVENT, event)

        async def all_there() -> bool:
            return sum([(await now(server, overlay)).version for overlay in overlays]) == good + len(overlays)

        await eventually(all_there, "all good ones have taken effect")
        await client.holds("image.dead", poison)  # the last of it may come after the last good one
        await server.images.UndeleteImage(UndeleteImageRequest(image_id=broken.map_id))
        code, out, _ = await run("dead-letters", "replay", "--reason", "IMAGE_NOT_FOUND", IMAGE_GRPC_HUB_URL=host)
        assert code == 0
        assert f"{poison // 4} replayed" in out

        async def mended() -> bool:
            return place(await now(server, broken)) == 7

        await eventually(mended, "what was mended has taken effect")
        await client.holds("image.dead", poison * 3 // 4)
