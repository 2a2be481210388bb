"""Things move on maps."""

from __future__ import annotations

import pytest
from tabletop.image.v1.overlay_pb2 import Overlay

from tests.bridge.conftest import Scene
from tests.bridge.maps import EVENT, map_with_overlay, moved, now, place
from tests.bridge.plain import hearing
from tests.contracts.patience import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def at(scene: Scene, overlay: Overlay, where: float, version: int) -> None:
    """Returns once the token is there, after so many changes: a server may hear of a change later than the
    platform."""

    async def there() -> bool:
        after = await now(scene.service, overlay)
        return (place(after), after.version) == (where, version)

    await eventually(there, f"the token is at {where}, in version {version}")


async def test_an_event_moves_what_it_says_and_the_platform_is_told(scene: Scene) -> None:
    overlay = await map_with_overlay(scene.service)
    event = moved(overlay, 10, 20, 30)
    async with hearing(scene.client, "overlay.updated") as ear:
        await scene.client.tell(EVENT, event)
        heard = await ear.hears(event["correlation_id"], 3)
    assert [each["payload"]["overlay_id"] for each in heard] == [overlay.id] * 3
    moves = [each["payload"]["changes"]["put_tactical_elements"][0]["position"]["x"] for each in heard]
    assert moves == [10, 20, 30]
    await at(scene, overlay, 30, overlay.version + 3)


async def test_the_same_event_again_moves_nothing(scene: Scene) -> None:
    overlay = await map_with_overlay(scene.service)
    first, second, last = moved(overlay, 1), moved(overlay, 2), moved(overlay, 3)
    async with hearing(scene.client, "overlay.updated") as ear:
        for event in (first, second, first, first, last):
            await scene.client.tell(EVENT, event)
        await ear.hears(last["correlation_id"])
    await at(scene, overlay, 3, overlay.version + 3)
