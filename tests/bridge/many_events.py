"""Many events are handled once and in order per map, while bridges are killed, and among invalid events.

`python -m tests.bridge` runs both scenarios at full size.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tabletop.image.v1.image_service_pb2 import UndeleteImageRequest

from image_grpc import app
from image_grpc.settings import BridgeSettings, load
from image_grpc_testkit.eventually import eventually
from tests.bridge.maps import EVENT, create_overlay, current, delete_map, move_event, position_of
from tests.bridge.plain import envelope, plain_client
from tests.cli.processes import run
from tests.faults.platform import Program
from tests.service import Service


async def move_tokens_while_bridges_are_killed(
    host: str, server: Service, folder: Path, *, maps: int, steps: int
) -> None:
    """Move a token on each map step by step, with two bridges that are both killed meanwhile."""
    overlays = await asyncio.gather(*(create_overlay(server) for _ in range(maps)))
    # Shuffled between the maps, in order for each.
    order = [overlay for overlay in overlays for _ in range(steps)]
    random.Random(5).shuffle(order)
    next_step = {overlay.id: iter(range(1, steps + 1)) for overlay in overlays}

    arguments = ["bridge", "--target", server.running.address, "--hub-url", host]
    programs = [Program(f"bridge-{number}", arguments, "(connects)", folder) for number in range(2)]
    async with plain_client(host) as client:
        await asyncio.gather(*(program.start() for program in programs))
        try:

            async def publish() -> None:
                for overlay in order:
                    await client.publish_event(EVENT, move_event(overlay, next(next_step[overlay.id])))

            async def handled(count: int) -> bool:
                return sum([(await current(server, overlay)).version - 1 for overlay in overlays]) >= count

            publishing = asyncio.create_task(publish())
            # One bridge consumes the queue, the other stands by. Both are killed.
            for program, count in zip(programs, (maps * steps // 5, maps * steps * 2 // 5), strict=True):
                await eventually(lambda count=count: handled(count), f"{count} events are handled")  # type: ignore[misc]
                await program.kill()
                await program.start()
            await publishing

            async def all_finished() -> bool:
                return all([position_of(await current(server, overlay)) == steps for overlay in overlays])

            await eventually(all_finished, "every map is in its last state")
        finally:
            await asyncio.gather(*(program.kill() for program in programs))
        assert [(await current(server, overlay)).version for overlay in overlays] == [1 + steps] * maps
        await client.wait_for_depth("image.dead", 0)


async def handle_valid_events_among_invalid_ones(host: str, server: Service, *, valid: int, invalid: int) -> None:
    """Publish four kinds of invalid events; the cause of one kind is repaired, and its events are replayed."""
    overlays = await asyncio.gather(*(create_overlay(server) for _ in range(10)))
    deleted = await create_overlay(server)
    await delete_map(server, deleted)
    events: list[object] = []
    for number in range(valid):
        events.append(move_event(overlays[number % len(overlays)], number))
        if number % (valid // invalid) == 0:
            kinds: list[object] = [
                b"<html>",
                envelope("map_state_changed", {"overlay_updates": "none"}),
                envelope("map_state_changed", {"map_id": overlays[0].map_id, "overlay_updates": [{"overlay_id": "x"}]}),
                move_event(deleted, 7),
            ]
            events.append(kinds[len(events) // 11 % len(kinds)])
    async with app.bridge(load(BridgeSettings, hub_url=host), server.running.for_bridge), plain_client(host) as client:
        for event in events:
            await client.publish_event(EVENT, event)

        async def all_handled() -> bool:
            versions = [(await current(server, overlay)).version for overlay in overlays]
            return sum(versions) == valid + len(overlays)

        await eventually(all_handled, "all valid events are handled")
        await client.wait_for_depth("image.dead", invalid)  # the last one may follow the last valid event
        await server.images.UndeleteImage(UndeleteImageRequest(image_id=deleted.map_id))
        code, out, _ = await run("dead-letters", "replay", "--reason", "IMAGE_NOT_FOUND", IMAGE_GRPC_HUB_URL=host)
        assert code == 0
        assert f"{invalid // 4} replayed" in out

        async def replayed() -> bool:
            return position_of(await current(server, deleted)) == 7

        await eventually(replayed, "the replayed events are handled")
        await client.wait_for_depth("image.dead", invalid * 3 // 4)
