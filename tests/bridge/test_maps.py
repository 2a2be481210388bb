"""Events move tokens on maps."""

from __future__ import annotations

import pytest
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc_testkit.eventually import eventually
from tests.bridge.conftest import Scene
from tests.bridge.maps import EVENT, PIXELS, create_overlay, current, move_event, position_of
from tests.bridge.plain import envelope, recording

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def wait_for_position(scene: Scene, overlay: Overlay, position: float, version: int) -> None:
    """Wait until the server has the token at this position: its cache may be updated after the event is published."""

    async def reached() -> bool:
        latest = await current(scene.service, overlay)
        return (position_of(latest), latest.version) == (position, version)

    await eventually(reached, f"the token is at {position}, in version {version}")


async def test_an_event_moves_the_token_and_each_change_is_published(scene: Scene) -> None:
    overlay = await create_overlay(scene.service)
    event = move_event(overlay, 10, 20, 30)
    async with recording(scene.client, "overlay.updated") as log:
        await scene.client.publish_event(EVENT, event)
        received = await log.wait_for(event["correlation_id"], 3)
    assert [each["payload"]["overlay_id"] for each in received] == [overlay.id] * 3
    moves = [each["payload"]["changes"]["put_tactical_elements"][0]["position"]["x"] for each in received]
    assert moves == [10, 20, 30]
    await wait_for_position(scene, overlay, 30, overlay.version + 3)


async def test_a_redelivered_event_has_no_further_effect(scene: Scene) -> None:
    overlay = await create_overlay(scene.service)
    first, second, last = move_event(overlay, 1), move_event(overlay, 2), move_event(overlay, 3)
    async with recording(scene.client, "overlay.updated") as log:
        for event in (first, second, first, first, last):
            await scene.client.publish_event(EVENT, event)
        await log.wait_for(last["correlation_id"])
    await wait_for_position(scene, overlay, 3, overlay.version + 3)


async def test_an_event_opens_a_door(scene: Scene) -> None:
    walls = [{"id": "gate", "start": {"unit": PIXELS}, "end": {"x": 50, "unit": PIXELS}, "door": {}}]
    map_ = await scene.service.upload(map={"walls": walls})
    door = {"door_id": "gate", "state": "open"}
    event = envelope("map_state_changed", {"map_id": map_.id, "door_states": [door]})
    async with recording(scene.client, "map.updated") as log:
        for _ in range(2):  # delivered twice
            await scene.client.publish_event(EVENT, event)
        [received] = await log.wait_for(event["correlation_id"])
        last = envelope("map_state_changed", {"map_id": map_.id, "door_states": [door | {"state": "locked"}]})
        await scene.client.publish_event(EVENT, last)
        [locked] = await log.wait_for(last["correlation_id"])
    assert received["payload"]["map_id"] == map_.id
    assert received["payload"]["changes"]["door_states"] == [{"door_id": "gate", "state": "DOOR_STATE_OPEN"}]
    assert (received["payload"]["version"], locked["payload"]["version"]) == ("2", "3")
    assert len(log.events_of(event["correlation_id"])) == 1


async def test_a_door_that_does_not_exist_is_dead_lettered(scene: Scene) -> None:
    overlay = await create_overlay(scene.service)
    doors = [{"door_id": "postern", "state": "open"}]
    event = envelope("map_state_changed", {"map_id": overlay.map_id, "door_states": doors})
    await scene.client.publish_event(EVENT, event)
    await scene.client.wait_for_dead_letter("the map has no such door")


async def test_a_misspelled_field_is_dead_lettered_by_name(scene: Scene) -> None:
    overlay = await create_overlay(scene.service)
    update = {"overlay_id": overlay.id, "changes": {"remove_elements": ["hero"]}}
    event = envelope("map_state_changed", {"map_id": overlay.map_id, "overlay_updates": [update]})
    await scene.client.publish_event(EVENT, event)
    await scene.client.wait_for_dead_letter("remove_elements")
    assert (await current(scene.service, overlay)).version == overlay.version


async def test_an_event_that_changes_nothing_is_handled_silently(scene: Scene) -> None:
    overlay = await create_overlay(scene.service)
    update = {"overlay_id": overlay.id, "changes": {"remove_element_ids": ["nobody"]}}
    nothing = envelope("map_state_changed", {"map_id": overlay.map_id, "overlay_updates": [update]})
    async with recording(scene.client, "overlay.updated") as log:
        await scene.client.publish_event(EVENT, nothing)
        move = move_event(overlay, 5)
        await scene.client.publish_event(EVENT, move)
        await log.wait_for(move["correlation_id"])
    assert log.events_of(nothing["correlation_id"]) == []
    await wait_for_position(scene, overlay, 5, overlay.version + 1)
