"""Things move on maps."""

from __future__ import annotations

import pytest

from tests.bridge.conftest import Scene
from tests.bridge.maps import EVENT, map_with_overlay, moved, now, place
from tests.bridge.plain import hearing

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_event_moves_what_it_says_and_the_platform_is_told(scene: Scene) -> None:
    overlay = await map_with_overlay(scene.service)
    event = moved(overlay, 10, 20, 30)
    async with hearing(scene.client, "overlay.updated") as ear:
        await scene.client.tell(EVENT, event)
        heard = await ear.hears(event["correlation_id"], 3)
    assert [each["payload"]["overlay_id"] for each in heard] == [overlay.id] * 3
    moves = [each["payload"]["changes"]["put_tactical_elements"][0]["position"]["x"] for each in heard]
    assert moves == [10, 20, 30]
    assert place(await now(scene.service, overlay)) == 30


async def test_the_same_event_again_moves_nothing(scene: Scene) -> None:
    overlay = await map_with_overlay(scene.service)
    first, second, last = moved(overlay, 1), moved(overlay, 2), moved(overlay, 3)
    async with hearing(scene.client, "overlay.updated") as ear:
        for event in (first, second, first, first, last):
            await scene.client.tell(EVENT, event)
        await ear.hears(last["correlation_id"])
    after = await now(scene.service, overlay)
    assert (place(after), after.version) == (3, overlay.version + 3)
