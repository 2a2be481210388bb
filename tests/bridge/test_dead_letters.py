"""The `dead-letters` command."""

from __future__ import annotations

import json
from typing import Any

import aio_pika
import pytest
import pytest_asyncio

from tests.bridge.conftest import Scene
from tests.bridge.plain import envelope, recording
from tests.cli.processes import run
from tests.service import new_id, portrait

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def command(scene: Scene, *arguments: str) -> tuple[int, str, str]:
    """Run the command, and return its exit code, output and error output."""
    return await run("dead-letters", *arguments, IMAGE_GRPC_HUB_URL=scene.url)


async def letters(scene: Scene, *options: str) -> list[dict[str, Any]]:
    code, out, error = await command(scene, "list", "--json", *options)
    assert code == 0, error
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _empty(scene: Scene) -> None:
    await (await scene.client.channel.get_queue("image.dead")).purge()


async def wait_for_letters(scene: Scene, count: int) -> None:
    """Wait until this number of dead letters is in the queue, not held by a reader."""
    await scene.client.wait_for_depth("image.dead", count)


async def test_dead_letters_are_listed_with_their_reason_and_shown_with_their_payload(scene: Scene) -> None:
    invalid = envelope("any", {"theme": "no_such"})
    await scene.client.send("ThemeService.GetTheme", invalid)
    await scene.client.send("ThemeService.GetTheme", b"<html>\n</html>")
    await wait_for_letters(scene, 2)

    by_id = {each["id"]: each for each in await letters(scene)}
    dead = by_id.pop(invalid["id"])
    assert dead["reason"].startswith("INVALID_THEME: ")
    assert (dead["from"], dead["routing_key"]) == ("image.bridge.requests", "image.rpc.ThemeService.GetTheme")
    assert (dead["source_service"], dead["correlation_id"]) == ("campaign-service", invalid["correlation_id"])
    [undecodable] = by_id.values()
    assert (undecodable["type"], undecodable["payload"]) == ("undecodable", "<html>\n</html>")
    assert undecodable["reason"].startswith("body is not an envelope")

    code, out, _ = await command(scene, "show", invalid["id"])
    assert code == 0
    assert json.loads(out)["payload"] == {"theme": "no_such"}
    code, out, _ = await command(scene, "list")
    assert invalid["id"] in out
    assert len(await letters(scene)) == 2  # reading does not remove them


@pytest.mark.parametrize(
    ("event", "payload", "field"),
    [
        ("character_updated", {"changes": {"hair": "silver"}}, "character_id"),
        ("campaign_theme_changed", {"campaign_id": "", "new_theme": "horror"}, "campaign_id"),
        ("campaign_theme_changed", {"campaign_id": new_id(), "new_theme": ""}, "new_theme"),
        ("map_state_changed", {"overlay_updates": []}, "map_id"),
    ],
)
async def test_an_event_without_its_subject_is_dead_lettered(
    scene: Scene, event: str, payload: dict[str, Any], field: str
) -> None:
    """An empty id must not match every picture."""
    generation = await scene.service.generate(portrait(character_id=new_id()))
    await scene.client.publish_event(event.replace("_", ".", 1), envelope(event, payload))
    await wait_for_letters(scene, 1)
    [dead] = await letters(scene)
    assert f" {field}: " in dead["reason"]
    assert (await scene.service.get_image(generation.image.id)).version == 1


async def test_letters_are_selected_by_reason_type_and_age(scene: Scene) -> None:
    await scene.client.send("ThemeService.GetTheme", envelope("one", {"theme": "no_such"}))
    await scene.client.send("NoService.NoMethod", envelope("other", {}))
    await wait_for_letters(scene, 2)
    assert [each["type"] for each in await letters(scene, "--reason", "invalid_theme")] == ["one"]
    assert [each["type"] for each in await letters(scene, "--type", "other")] == ["other"]
    assert len(await letters(scene, "--older-than", "1h")) == 0
    code, _, error = await command(scene, "list", "--older-than", "soon")
    assert (code, "for example 90s" in error) == (2, True)


async def test_a_replayed_message_returns_to_its_original_queue(scene: Scene) -> None:
    first, second = (envelope("any", {"theme": name}) for name in ("no_such", "never_such"))
    await scene.client.send("ThemeService.GetTheme", first)
    await scene.client.send("ThemeService.GetTheme", second)
    await wait_for_letters(scene, 2)
    async with recording(scene.client, "image.rpc.failed") as log:
        code, out, _ = await command(scene, "replay", first["id"])
        assert code == 0
        assert "1 replayed" in out
        await log.wait_for(first["correlation_id"])
    await wait_for_letters(scene, 2)
    assert {each["id"] for each in await letters(scene)} == {first["id"], second["id"]}


async def test_the_time_to_live_of_a_replayed_request_starts_anew(scene: Scene) -> None:
    """Requests are replayed after the cause of their failure is repaired, which may take long."""
    request = envelope("any", {"theme": "horror"}, timestamp="2020-01-01T00:00:00Z", time_to_live="30s")
    message = aio_pika.Message(
        json.dumps(request).encode(),
        headers={"reason": "x", "origin": "image.bridge.requests", "routing_key": "image.rpc.ThemeService.GetTheme"},
    )
    await scene.client.channel.default_exchange.publish(message, "image.dead")
    async with recording(scene.client, "image.rpc.completed") as log:
        code, _, _ = await command(scene, "replay", "--all")
        assert code == 0
        await log.wait_for(request["correlation_id"])
    assert await letters(scene) == []


async def test_a_letter_whose_original_queue_does_not_exist_stays(scene: Scene) -> None:
    message = aio_pika.Message(json.dumps(envelope("any", {})).encode(), headers={"origin": "image.no.more"})
    await scene.client.channel.default_exchange.publish(message, "image.dead")
    code, _, error = await command(scene, "replay", "--all")
    assert code == 1
    assert "image.no.more" in error
    assert len(await letters(scene)) == 1


async def test_only_the_selected_letters_are_discarded(scene: Scene) -> None:
    for type_ in ("keep", "drop", "drop"):
        await scene.client.send("NoService.NoMethod", envelope(type_, {}))
    await wait_for_letters(scene, 3)
    code, _, error = await command(scene, "discard")
    assert (code, "say which" in error) == (2, True)
    code, out, _ = await command(scene, "discard", "--type", "drop")
    assert (code, "2 discarded" in out) == (0, True)
    assert [each["type"] for each in await letters(scene)] == ["keep"]


async def test_the_command_needs_a_broker(scene: Scene) -> None:
    code, _, error = await run("dead-letters", "list", IMAGE_GRPC_HUB_URL="memory:")
    assert code == 1
    assert "must name a RabbitMQ" in error
