"""A character changes elsewhere, and its portraits with it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from tabletop.image.v1.image_pb2 import Image

from getimg_standin import Fault
from tests.bridge.conftest import Scene
from tests.bridge.plain import Ear, envelope, hearing
from tests.cli.processes import run
from tests.contracts.patience import eventually
from tests.service import portrait

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = "character.updated"


def updated(character: str, **changes: Any) -> dict[str, Any]:
    return envelope("character_updated", {"character_id": character, "changes": changes})


async def portraits_of(scene: Scene, character: str, count: int) -> list[str]:
    """Ids of new portraits."""
    made = [
        (await scene.service.generate(portrait(character_id=character, details=f"portrait {number}"))).image.id
        for number in range(count)
    ]
    return sorted(made)


async def at_version(scene: Scene, image_id: str, version: int) -> Image:
    """The image once it is at this version: a server may hear of a change later than the platform."""

    async def there() -> bool:
        return (await scene.service.image(image_id)).version == version

    await eventually(there, f"version {version} of {image_id}")
    return await scene.service.image(image_id)


async def handled(scene: Scene, ear: Ear, character: str, portraits: int) -> None:
    """Returns once all events of the character that were published before are reacted to, and so is one more, by
    which each of its portraits has one more version."""
    last = updated(character, hair="as it was")
    await scene.client.tell(EVENT, last)
    await ear.hears(last["correlation_id"], portraits)


async def test_each_portrait_gets_one_new_version_however_often_the_event_comes(scene: Scene) -> None:
    character = str(uuid.uuid4())
    portraits = await portraits_of(scene, character, 2)
    await portraits_of(scene, str(uuid.uuid4()), 1)
    event = updated(character, appearance={"hair": "silver"}, level=4)
    async with hearing(scene.client, "image.generated") as ear:
        for _ in range(5):
            await scene.client.tell(EVENT, event)
        await handled(scene, ear, character, len(portraits))
        heard = ear.about(event["correlation_id"])
    assert sorted(each["payload"]["image_id"] for each in heard) == portraits
    for id_ in portraits:
        await at_version(scene, id_, 3)  # the first, that of the event, and that of `handled`


async def test_the_changes_are_in_the_prompt(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await portraits_of(scene, character, 1)
    event = updated(character, **{"class": "wizard", "scars": "one on the left cheek", "items": ["staff", "tome"]})
    async with hearing(scene.client, "image.generated") as ear:
        await scene.client.tell(EVENT, event)
        await ear.hears(event["correlation_id"])
    now = (await at_version(scene, id_, 2)).metadata.generation_params
    assert now.request.portrait.character_class == "wizard"
    assert list(now.request.portrait.equipment.items) == ["staff", "tome"]
    for words in ("wizard", "scars: one on the left cheek", "staff", "portrait 0"):
        assert words in now.prompt


@pytest.mark.parametrize("type_", ["character_updated", "character.updated", ""])
async def test_both_spellings_of_its_name_are_understood(scene: Scene, type_: str) -> None:
    character = str(uuid.uuid4())
    await portraits_of(scene, character, 1)
    event = updated(character, hair="silver") | {"type": type_}
    async with hearing(scene.client, "image.generated") as ear:
        await scene.client.tell(EVENT, event)
        await ear.hears(event["correlation_id"])


async def test_what_is_not_seen_changes_nothing(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await portraits_of(scene, character, 1)
    calls = scene.service.standin.calls
    async with hearing(scene.client, "image.generated") as ear:
        await scene.client.tell(EVENT, updated(character, level=5, hit_points=31))
        await scene.client.tell(EVENT, updated(str(uuid.uuid4()), hair="black"))
        await handled(scene, ear, character, 1)
    assert scene.service.standin.calls == calls + 1
    await at_version(scene, id_, 2)


async def test_changes_that_come_at_once_are_all_seen(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await portraits_of(scene, character, 1)
    events = [updated(character, **{name: f"new {name}"}) for name in ("hair", "eyes", "clothing")]
    async with hearing(scene.client, "image.generated") as ear:
        for event in events:
            await scene.client.tell(EVENT, event)
        await asyncio.gather(*(ear.hears(event["correlation_id"]) for event in events))
    details = (await at_version(scene, id_, 4)).metadata.generation_params.request.portrait.details
    assert details.splitlines() == ["portrait 0", "hair: new hair", "eyes: new eyes", "clothing: new clothing"]


async def test_a_portrait_that_cannot_be_drawn_is_drawn_when_the_event_is_replayed(scene: Scene) -> None:
    character = str(uuid.uuid4())
    [id_] = await portraits_of(scene, character, 1)
    scene.service.standin.add_fault(Fault(kind="status", status=400, count=1))
    event = updated(character, hair="silver")
    async with hearing(scene.client, "image.generated") as ear:
        await scene.client.tell(EVENT, event)
        await scene.client.holds("image.dead", 1)
        code, out, error = await run("dead-letters", "replay", event["id"], IMAGE_GRPC_HUB_URL=scene.url)
        assert code == 0, error
        assert "API_ERROR" in out
        await ear.hears(event["correlation_id"])
    await at_version(scene, id_, 2)
