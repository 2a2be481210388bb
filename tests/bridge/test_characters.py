"""Portraits follow the changes of their character."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from tabletop.image.v1.image_pb2 import Image

from getimg_standin import Fault
from image_grpc_testkit.eventually import eventually
from tests.bridge.conftest import Scene
from tests.bridge.plain import EventLog, envelope, recording
from tests.cli.processes import run
from tests.service import portrait

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = "character.updated"


def updated(character: str, **changes: Any) -> dict[str, Any]:
    return envelope("character_updated", {"character_id": character, "changes": changes})


async def create_portraits(scene: Scene, character: str, count: int) -> list[str]:
    """Generate portraits, and return their ids, sorted."""
    ids = [
        (await scene.service.generate(portrait(character_id=character, details=f"portrait {number}"))).image.id
        for number in range(count)
    ]
    return sorted(ids)


async def at_version(scene: Scene, image_id: str, version: int) -> Image:
    """Return the image once the server has this version: its cache may be updated after the event is published."""

    async def reached() -> bool:
        return (await scene.service.get_image(image_id)).version == version

    await eventually(reached, f"version {version} of {image_id}")
    return await scene.service.get_image(image_id)


async def wait_until_handled(scene: Scene, log: EventLog, character: str, portraits: int) -> None:
    """Wait until the character's earlier events are handled.

    Publishes one more event, which adds a version to each of its portraits.
    """
    last = updated(character, hair="unchanged")
    await scene.client.publish_event(EVENT, last)
    await log.wait_for(last["correlation_id"], portraits)


async def test_each_portrait_gets_one_new_version_per_event_despite_redeliveries(scene: Scene) -> None:
    character = str(uuid.uuid4())
    portraits = await create_portraits(scene, character, 2)
    await create_portraits(scene, str(uuid.uuid4()), 1)
    event = updated(character, appearance={"hair": "silver"}, level=4)
    async with recording(scene.client, "image.generated") as log:
        for _ in range(5):
            await scene.client.publish_event(EVENT, event)
        await wait_until_handled(scene, log, character, len(portraits))
        received = log.events_of(event["correlation_id"])
    assert sorted(each["payload"]["image_id"] for each in received) == portraits
    for id_ in portraits:
        await at_version(scene, id_, 3)  # the first, that of the event, and that of `wait_until_handled`


async def test_the_changes_are_in_the_prompt(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await create_portraits(scene, character, 1)
    event = updated(character, **{"class": "wizard", "scars": "one on the left cheek", "items": ["staff", "tome"]})
    async with recording(scene.client, "image.generated") as log:
        await scene.client.publish_event(EVENT, event)
        await log.wait_for(event["correlation_id"])
    params = (await at_version(scene, id_, 2)).metadata.generation_params
    assert params.request.portrait.character_class == "wizard"
    assert list(params.request.portrait.equipment.items) == ["staff", "tome"]
    for words in ("wizard", "scars: one on the left cheek", "staff", "portrait 0"):
        assert words in params.prompt


@pytest.mark.parametrize("type_", ["character_updated", "character.updated", ""])
async def test_both_spellings_of_the_event_type_are_accepted(scene: Scene, type_: str) -> None:
    character = str(uuid.uuid4())
    await create_portraits(scene, character, 1)
    event = updated(character, hair="silver") | {"type": type_}
    async with recording(scene.client, "image.generated") as log:
        await scene.client.publish_event(EVENT, event)
        await log.wait_for(event["correlation_id"])


async def test_invisible_changes_do_not_affect_portraits(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await create_portraits(scene, character, 1)
    calls = scene.service.standin.calls
    async with recording(scene.client, "image.generated") as log:
        await scene.client.publish_event(EVENT, updated(character, level=5, hit_points=31))
        await scene.client.publish_event(EVENT, updated(str(uuid.uuid4()), hair="black"))
        await wait_until_handled(scene, log, character, 1)
    assert scene.service.standin.calls == calls + 1
    await at_version(scene, id_, 2)


async def test_simultaneous_events_are_all_applied(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await create_portraits(scene, character, 1)
    events = [updated(character, **{name: f"new {name}"}) for name in ("hair", "eyes", "clothing")]
    async with recording(scene.client, "image.generated") as log:
        for event in events:
            await scene.client.publish_event(EVENT, event)
        await asyncio.gather(*(log.wait_for(event["correlation_id"]) for event in events))
    details = (await at_version(scene, id_, 4)).metadata.generation_params.request.portrait.details
    assert details.splitlines() == ["portrait 0", "hair: new hair", "eyes: new eyes", "clothing: new clothing"]


async def test_a_failed_portrait_is_generated_when_its_event_is_replayed(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await create_portraits(scene, character, 1)
    scene.service.standin.add_fault(Fault(kind="status", status=400, count=1))
    event = updated(character, hair="silver")
    async with recording(scene.client, "image.generated") as log:
        await scene.client.publish_event(EVENT, event)
        await scene.client.wait_for_depth("image.dead", 1)
        code, out, error = await run("dead-letters", "replay", event["id"], IMAGE_GRPC_HUB_URL=scene.url)
        assert code == 0, error
        assert "API_ERROR" in out
        await log.wait_for(event["correlation_id"])
    await at_version(scene, id_, 2)
