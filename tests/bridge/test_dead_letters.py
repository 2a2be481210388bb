"""Dead letters, as a person handles them on the command line."""

from __future__ import annotations

import json
from typing import Any

import aio_pika
import pytest
import pytest_asyncio

from tests.bridge.conftest import Scene
from tests.bridge.plain import envelope, hearing
from tests.cli.processes import run
from tests.service import portrait, some_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def command(scene: Scene, *arguments: str) -> tuple[int, str, str]:
    """Its exit code and what it wrote."""
    return await run("dead-letters", *arguments, IMAGE_GRPC_HUB_URL=scene.url)


async def letters(scene: Scene, *options: str) -> list[dict[str, Any]]:
    code, out, error = await command(scene, "list", "--json", *options)
    assert code == 0, error
    found: list[dict[str, Any]] = json.loads(out)
    return found


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _empty(scene: Scene) -> None:
    await (await scene.client.channel.get_queue("image.dead")).purge()


async def given_up(scene: Scene, count: int) -> None:
    """Returns once there are so many dead letters, none of them held by a look at them."""
    await scene.client.holds("image.dead", count)


async def test_what_cannot_succeed_is_listed_with_its_reason_and_shown_with_its_payload(scene: Scene) -> None:
    bad = envelope("any", {"theme": "no_such"})
    await scene.client.send("ThemeService.GetTheme", bad)
    await scene.client.send("ThemeService.GetTheme", b"<html>\n</html>")
    await given_up(scene, 2)

    found = {each["id"]: each for each in await letters(scene)}
    dead = found.pop(bad["id"])
    assert dead["reason"].startswith("INVALID_THEME: ")
    assert (dead["from"], dead["routing_key"]) == ("image.bridge.requests", "image.rpc.ThemeService.GetTheme")
    assert (dead["source_service"], dead["correlation_id"]) == ("campaign-service", bad["correlation_id"])
    [undecodable] = found.values()
    assert (undecodable["type"], undecodable["payload"]) == ("undecodable", "<html>\n</html>")
    assert undecodable["reason"].startswith("body is not an envelope")

    code, out, _ = await command(scene, "show", bad["id"])
    assert code == 0
    assert json.loads(out)["payload"] == {"theme": "no_such"}
    code, out, _ = await command(scene, "list")
    assert bad["id"] in out
    assert len(await letters(scene)) == 2  # looking changes nothing


@pytest.mark.parametrize(
    ("event", "payload", "field"),
    [
        ("character_updated", {"changes": {"hair": "silver"}}, "character_id"),
        ("campaign_theme_changed", {"campaign_id": "", "new_theme": "horror"}, "campaign_id"),
        ("campaign_theme_changed", {"campaign_id": some_id(), "new_theme": ""}, "new_theme"),
        ("map_state_changed", {"overlay_updates": []}, "map_id"),
    ],
)
async def test_an_event_that_does_not_say_what_it_happened_to_happens_to_nothing(
    scene: Scene, event: str, payload: dict[str, Any], field: str
) -> None:
    """And not to everything."""
    made = await scene.service.generate(portrait(character_id=some_id()))
    await scene.client.tell(event.replace("_", ".", 1), envelope(event, payload))
    await given_up(scene, 1)
    [dead] = await letters(scene)
    assert f" {field}: " in dead["reason"]
    assert (await scene.service.image(made.image.id)).version == 1


async def test_reason_type_and_age_choose(scene: Scene) -> None:
    await scene.client.send("ThemeService.GetTheme", envelope("one", {"theme": "no_such"}))
    await scene.client.send("NoService.NoMethod", envelope("other", {}))
    await given_up(scene, 2)
    assert [each["type"] for each in await letters(scene, "--reason", "invalid_theme")] == ["one"]
    assert [each["type"] for each in await letters(scene, "--type", "other")] == ["other"]
    assert len(await letters(scene, "--older-than", "1h")) == 0
    code, _, error = await command(scene, "list", "--older-than", "soon")
    assert (code, "for example 90s" in error) == (2, True)


async def test_a_replayed_message_is_handled_again_by_the_queue_that_it_came_from(scene: Scene) -> None:
    early, late = (envelope("any", {"theme": name}) for name in ("no_such", "never_such"))
    await scene.client.send("ThemeService.GetTheme", early)
    await scene.client.send("ThemeService.GetTheme", late)
    await given_up(scene, 2)
    async with hearing(scene.client, "image.rpc.failed") as ear:
        code, out, _ = await command(scene, "replay", early["id"])
        assert code == 0
        assert "1 replayed" in out
        await ear.hears(early["correlation_id"])
    await given_up(scene, 2)
    assert {each["id"] for each in await letters(scene)} == {early["id"], late["id"]}


async def test_a_replayed_request_that_has_expired_gets_its_time_again(scene: Scene) -> None:
    """What was given up on because of the state of the world is done once that is mended, however late."""
    request = envelope("any", {"theme": "horror"}, timestamp="2020-01-01T00:00:00Z", time_to_live="30s")
    message = aio_pika.Message(
        json.dumps(request).encode(),
        headers={"reason": "x", "origin": "image.bridge.requests", "routing_key": "image.rpc.ThemeService.GetTheme"},
    )
    await scene.client.channel.default_exchange.publish(message, "image.dead")
    async with hearing(scene.client, "image.rpc.completed") as ear:
        code, _, _ = await command(scene, "replay", "--all")
        assert code == 0
        await ear.hears(request["correlation_id"])
    assert await letters(scene) == []


async def test_what_has_no_queue_to_go_back_to_stays(scene: Scene) -> None:
    message = aio_pika.Message(json.dumps(envelope("any", {})).encode(), headers={"origin": "image.no.more"})
    await scene.client.channel.default_exchange.publish(message, "image.dead")
    code, _, error = await command(scene, "replay", "--all")
    assert code == 1
    assert "image.no.more" in error
    assert len(await letters(scene)) == 1


async def test_discarding_forgets_those_that_are_meant(scene: Scene) -> None:
    for type_ in ("keep", "drop", "drop"):
        await scene.client.send("NoService.NoMethod", envelope(type_, {}))
    await given_up(scene, 3)
    code, _, error = await command(scene, "discard")
    assert (code, "say which" in error) == (2, True)
    code, out, _ = await command(scene, "discard", "--type", "drop")
    assert (code, "2 discarded" in out) == (0, True)
    assert [each["type"] for each in await letters(scene)] == ["keep"]


async def test_the_hub_inside_of_a_process_has_none_for_others(scene: Scene) -> None:
    code, _, error = await run("dead-letters", "list", IMAGE_GRPC_HUB_URL="memory:")
    assert code == 1
    assert "must name a RabbitMQ" in error
