"""A campaign changes its theme elsewhere, and its pictures with it."""

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
from tests.bridge.conftest import Scene
from tests.bridge.plain import envelope, hearing, plain_client
from tests.contracts.patience import eventually
from tests.service import Service, campaign_map, held, listening, service

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = "campaign.theme_changed"


def changed(campaign: str, theme: str, **fields: Any) -> dict[str, Any]:
    return envelope("campaign_theme_changed", {"campaign_id": campaign, "new_theme": theme}, **fields)


async def pictures(running: Service, campaign: str, count: int) -> None:
    """Makes so many pictures of a campaign."""
    request = campaign_map(source={"id": campaign}, cache=CacheMode.CACHE_MODE_BYPASS)
    await asyncio.gather(*(running.generate(request) for _ in range(count)))


async def themes(running: Service, campaign: str) -> list[str]:
    """The theme of each of its pictures."""
    found, token = [], ""
    while True:
        request = ListImagesRequest(source_id=campaign, page_size=100, page_token=token)
        page = await running.images.ListImages(request)
        found += [image.metadata.theme for image in page.images]
        if not (token := page.next_page_token):
            return found


async def all_in(running: Service, campaign: str, theme: str) -> None:
    async def there() -> bool:
        return set(await themes(running, campaign)) == {theme}

    await eventually(there, f"all pictures are in {theme}")


async def test_each_picture_gets_the_theme_once_and_the_platform_is_told(scene: Scene) -> None:
    campaign = str(uuid.uuid4())
    await pictures(scene.service, campaign, 3)
    async with hearing(scene.client, "theme.applied") as ear:
        event = changed(campaign, "horror")
        for _ in range(3):
            await scene.client.tell(EVENT, event)
        heard = await ear.hears(event["correlation_id"], 3)
        await scene.client.tell(EVENT, changed(campaign, "western"))
        await all_in(scene.service, campaign, "western")
    assert len({each["payload"]["image_id"] for each in heard}) == 3
    assert len(ear.about(event["correlation_id"])) == 3


async def test_an_older_event_that_comes_later_changes_nothing(other_host: str, tmp_path: Path) -> None:
    """By the time when they were made, as long as the newer one is under way."""
    campaign = str(uuid.uuid4())
    newer = changed(campaign, "cyberpunk", timestamp="2026-02-02T00:00:02Z")
    older = changed(campaign, "steampunk", timestamp="2026-02-02T00:00:01Z")
    async with service(tmp_path, hub_url="memory:") as running, plain_client(other_host) as client:
        await pictures(running, campaign, 2)
        bridge = load(BridgeSettings, hub_url=other_host), running.running.address
        async with app.bridge(*bridge):
            pass  # its queues are there
        await client.tell(EVENT, newer)
        await client.tell(EVENT, older)
        async with app.bridge(*bridge):  # which gets both at once
            await all_in(running, campaign, "cyberpunk")
            await client.tell(EVENT, changed(campaign, "horror"))
            await all_in(running, campaign, "horror")
        request = ListGenerationsRequest(source_id=campaign)
        made = await running.generations.ListGenerations(request)
    assert {each.request.apply_theme.theme for each in made.generations} == {"", "cyberpunk", "horror"}


async def test_a_hundred_pictures_end_in_the_second_theme_and_leftovers_of_the_first_are_not_made(
    other_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, campaign = 100, str(uuid.uuid4())
    may_go_on = held(monkeypatch)
    may_go_on.set()
    async with (
        listening() as provider,
        service(tmp_path, provider, hub_url="memory:") as running,
        plain_client(other_host) as client,
    ):
        await pictures(running, campaign, count)
        before = provider.standin.calls
        async with app.bridge(load(BridgeSettings, hub_url=other_host), running.running.address):
            may_go_on.clear()
            await client.tell(EVENT, changed(campaign, "horror"))
            await eventually(lambda: provider.standin.in_flight > 0, "the first theme is under way")
            await client.tell(EVENT, changed(campaign, "western"))
            await client.holds("image.bridge.events", 0)
            may_go_on.set()
            await all_in(running, campaign, "western")
        page = await running.generations.ListGenerations(ListGenerationsRequest(source_id=campaign, theme="horror"))
        made = provider.standin.calls - before
        assert made == count + len(page.generations)
        assert 0 < len(page.generations) < count
        assert not page.next_page_token
