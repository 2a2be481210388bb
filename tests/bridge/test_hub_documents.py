"""docs/hub.md and docs/asyncapi.yaml say what is on the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.bridge.conftest import Scene
from tests.bridge.plain import envelope, recording
from tools.hub_examples import CAMPAIGN, CAMPAIGN_MAP, CHARACTER, GENERATION, IMAGE, MAP, OVERLAY, REQUESTS, UPPER_MAP
from tools.hub_page import MALFORMED

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
REFUSALS = {"INVALID_ARGUMENT", "UNIMPLEMENTED", "INTERNAL"}
CREATED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "GenerationService.GenerateTacticalMap": (MAP, ("generation", "image", "id")),
    "GenerationService.GenerateCampaignMap": (CAMPAIGN_MAP, ("generation", "image", "id")),
    "GenerationService.GeneratePortrait": (IMAGE, ("generation", "image", "id")),
    "GenerationService.GenerateItemIllustration": (GENERATION, ("generation", "id")),
    "OverlayService.CreateTacticalOverlay": (OVERLAY, ("overlay", "id")),
}
"""What methods create: its id in the examples, and where the reply has the real one."""


@cache
def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    return yaml.load(DOCUMENT.read_text(), yaml.CSafeLoader)


@cache  # building one takes long: it reads all components
def validator(schema: str) -> jsonschema.Draft7Validator:
    """Return the validator for the schema of a message, as JSON."""
    components = {"components": {"schemas": document()["components"]["schemas"]}}
    return jsonschema.Draft7Validator(json.loads(schema) | components)


def messages(channel: str) -> list[dict[str, Any]]:
    """Return the messages of a channel."""
    names = document()["channels"][channel]["messages"]
    return [document()["components"]["messages"][name] for name in names]


def check(body: dict[str, Any], possible: list[dict[str, Any]]) -> None:
    """Compare a message with the schema of its type. Raises ValidationError, or ValueError for an unknown type."""
    [message] = [each for each in possible if each["name"] == body["type"]]
    validator(json.dumps(message["payload"])).validate(body)


def replaced(value: Any, ids: Mapping[str, str]) -> Any:
    """Return an example with real ids."""
    text = json.dumps(value)
    for example, real in ids.items():
        text = text.replace(example, real)
    return json.loads(text)


async def send_example(scene: Scene, channel: str) -> dict[str, Any]:
    """Send the example of a channel, with a new id, and return the body of the reply."""
    [message] = messages(channel)
    [example] = message["examples"]
    body = example["payload"] | {"id": str(uuid.uuid4())}
    reply = await scene.client.request_key(channel, body)
    result: dict[str, Any] = json.loads(reply.body)
    check(result, messages(f"{channel}.reply"))
    return result


async def test_each_example_is_accepted_as_it_is(scene: Scene) -> None:
    requests = [name.removesuffix(".reply") for name in document()["channels"] if name.endswith(".reply")]
    assert {name.removeprefix("image.rpc.") for name in requests} >= REQUESTS.keys()
    for channel in requests:
        error = (await send_example(scene, channel))["payload"].get("error")
        assert error is None or (error["code"] not in REFUSALS and not error["details"]["field"]), (channel, error)


async def test_each_event_is_accepted_as_it_is(scene: Scene) -> None:
    operations = document()["operations"]
    events = [each["channel"]["$ref"].rpartition("/")[2] for name, each in operations.items() if "consume." in name]
    assert len(events) == 3
    for channel in events:
        [message] = messages(channel)
        body = message["examples"][0]["payload"] | {"id": str(uuid.uuid4())}
        await scene.client.publish_event(channel, body)
    await scene.client.wait_for_dead_letter("OVERLAY_ERROR")  # the overlay of the example does not exist
    await scene.client.wait_for_depth("image.dead", 0)


async def test_each_request_succeeds_with_real_ids(scene: Scene) -> None:
    # Other tests change the character, the campaign and the theme of the examples.
    ids = {CHARACTER: str(uuid.uuid4()), CAMPAIGN: str(uuid.uuid4()), "salt_marsh": f"theme_{uuid.uuid4().hex}"}
    async with recording(scene.client, "#") as log:
        for method, payload in REQUESTS.items():
            reply = await scene.client.request(method, replaced(payload, ids))
            assert reply["type"] == f"image.rpc.{method}.reply", reply
            check(reply, messages(f"image.rpc.{method}.reply"))
            if method in CREATED:
                example, path = CREATED[method]
                created = reply["payload"]
                for name in path:
                    created = created[name]
                ids[example] = created
            if method == "GenerationService.GenerateTacticalMap":
                upper = await scene.client.request(method, payload | {"details": "the level above"})
                ids[UPPER_MAP] = upper["payload"]["generation"]["image"]["id"]
        update = envelope("any", {"theme": "horror"})
        await scene.client.send("ThemeService.GetTheme", update)  # without a reply address: its result is an event
        await log.wait_for(update["correlation_id"])
    sent = [each for name, each in document()["operations"].items() if name.startswith("publish.")]
    events = [message for each in sent for message in messages(each["channel"]["$ref"].rpartition("/")[2])]
    assert {"image_generated", "overlay_updated", "theme_applied", "image.rpc.completed"} <= {
        body["type"] for body in log.bodies
    }
    for body in log.bodies:
        check(body, events)


@pytest.mark.parametrize(("what", "method", "content", "code", "field"), MALFORMED, ids=[row[0] for row in MALFORMED])
async def test_a_malformed_message_gets_the_documented_error(
    scene: Scene, what: str, method: str, content: Any, code: str, field: str
) -> None:
    body = content.encode() if isinstance(content, str) else envelope(f"image.rpc.{method}", content)
    reply = await scene.client.request_message(method, body)
    decoded = json.loads(reply.body)
    check(decoded, messages("image.rpc.ThemeService.GetTheme.reply"))
    error = decoded["payload"]["error"]
    assert (error["code"], error["details"]["field"]) == (code, field)
