"""Pictures follow the theme of their campaign."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_service_pb2 import ListImagesRequest
from tabletop.image.v1.types_pb2 import CacheMode

from image_grpc import app
from image_grpc.settings import BridgeSettings, load
from image_grpc_testkit.eventually import eventually
from tests.bridge.conftest import Scene
from tests.bridge.plain import envelope, plain_client, recording
from tests.service import Service, block_generations, campaign_map, running_standin, service

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = "campaign.theme_changed"


def changed(campaign: str, theme: str, **fields: Any) -> dict[str, Any]:
    return envelope("campaign_theme_changed", {"campaign_id": campaign, "new_theme": theme}, **fields)


async def create_pictures(running: Service, campaign: str, count: int) -> None:
    """Generate pictures of a campaign."""
    request = campaign_map(source={"id": campaign}, cache=CacheMode.CACHE_MODE_BYPASS)
    await asyncio.gather(*(running.generate(request) for _ in range(count)))


async def themes(running: Service, campaign: str) -> list[str]:
    """Return the theme of each of a campaign's pictures."""
    names, token = [], ""
    while True:
        request = ListImagesRequest(source_id=campaign, page_size=100, page_token=token)
        page = await running.images.ListImages(request)
        names += [image.metadata.theme for image in page.images]
        if not (token := page.next_page_token):
            return names


async def wait_for_theme(running: Service, campaign: str, theme: str) -> None:
    async def reached() -> bool:
        return set(await themes(running, campaign)) == {theme}

    await eventually(reached, f"all pictures have the theme {theme}")


async def test_each_picture_gets_the_theme_once_and_each_change_is_published(scene: Scene) -> None:
    campaign = str(uuid.uuid4())
    await create_pictures(scene.service, campaign, 3)
    async with recording(scene.client, "theme.applied") as log:
        event = changed(campaign, "horror")
        for _ in range(3):
            await scene.client.publish_event(EVENT, event)
        received = await log.wait_for(event["correlation_id"], 3)
        await scene.client.publish_event(EVENT, changed(campaign, "western"))
        await wait_for_theme(scene.service, campaign, "western")
    assert len({each["payload"]["image_id"] for each in received}) == 3
    assert len(log.events_of(event["correlation_id"])) == 3


async def test_an_older_event_that_arrives_later_has_no_effect(other_host: str, tmp_path: Path) -> None:
    """Events are compared by their timestamps while the newer one is being handled."""
    campaign = str(uuid.uuid4())
    newer = changed(campaign, "cyberpunk", timestamp="2026-02-02T00:00:02Z")
    older = changed(campaign, "steampunk", timestamp="2026-02-02T00:00:01Z")
    async with service(tmp_path, hub_url="memory:") as running, plain_client(other_host) as client:
        await create_pictures(running, campaign, 2)
        bridge = load(BridgeSettings, hub_url=other_host), running.running.for_bridge
        async with app.bridge(*bridge):
            pass  # it has declared its queues
        await client.publish_event(EVENT, newer)
        await client.publish_event(EVENT, older)
        async with app.bridge(*bridge):  # it receives both at once
            await wait_for_theme(running, campaign, "cyberpunk")
            await client.publish_event(EVENT, changed(campaign, "horror"))
            await wait_for_theme(running, campaign, "horror")
        request = ListGenerationsRequest(source_id=campaign)
        page = await running.generations.ListGenerations(request)
    assert {each.request.apply_theme.theme for each in page.generations} == {"", "cyberpunk", "horror"}


async def test_an_event_with_an_unknown_theme_does_not_replace_a_valid_one(other_host: str, tmp_path: Path) -> None:
    campaign = str(uuid.uuid4())
    async with service(tmp_path, hub_url="memory:") as running, plain_client(other_host) as client:
        await create_pictures(running, campaign, 2)
        bridge = load(BridgeSettings, hub_url=other_host), running.running.for_bridge
        async with app.bridge(*bridge):
            pass  # it has declared its queues
        for theme in ("horror", "no_such_theme"):
            await client.publish_event(EVENT, changed(campaign, theme))
        async with app.bridge(*bridge):  # it receives both at once
            await client.wait_for_depth("image.dead", 1)
            await wait_for_theme(running, campaign, "horror")


async def test_a_second_theme_replaces_the_first_while_that_is_being_applied(
    other_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, campaign = 20, str(uuid.uuid4())
    may_continue = block_generations(monkeypatch)
    may_continue.set()
    async with (
        running_standin() as provider,
        service(tmp_path, provider, hub_url="memory:") as running,
        plain_client(other_host) as client,
    ):
        await create_pictures(running, campaign, count)
        previous_calls = provider.standin.calls
        async with app.bridge(load(BridgeSettings, hub_url=other_host), running.running.for_bridge):
            may_continue.clear()
            await client.publish_event(EVENT, changed(campaign, "horror"))
            await eventually(lambda: provider.standin.in_flight > 0, "the first theme is being applied")
            await client.publish_event(EVENT, changed(campaign, "western"))
            await client.wait_for_depth("image.bridge.events", 0)
            may_continue.set()
            await wait_for_theme(running, campaign, "western")
        page = await running.generations.ListGenerations(ListGenerationsRequest(source_id=campaign, theme="horror"))
        assert provider.standin.calls - previous_calls == count + len(page.generations)
        assert 0 < len(page.generations) < count
        assert not page.next_page_token
