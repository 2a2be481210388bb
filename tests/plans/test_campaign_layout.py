"""Places and roads of campaign maps, through the whole service."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerateCampaignMapRequest,
    RegenerateImageRequest,
)
from tabletop.image.v1.types_pb2 import CacheMode

from tests.service import Service
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = [(90, 90), (700, 100), (110, 500), (720, 520)]
ROADS = [[(90, 90), (400, 300), (720, 520)]]


def request(**fields: object) -> GenerateCampaignMapRequest:
    defaults = {
        "theme": "fantasy",
        "model": "seedream-5-lite",
        "size": {"width": 800, "height": 600},
        "features": ["islands in the sea"],
        "cache": CacheMode.CACHE_MODE_BYPASS,
        "points_of_interest": [{"type": "town", "location": {"x": x, "y": y}} for x, y in PLACES],
        "roads": [{"waypoints": [{"x": x, "y": y} for x, y in road]} for road in ROADS],
    }
    return GenerateCampaignMapRequest(**(defaults | fields))


async def colors(running: Service, image_id: str) -> NDArray[np.float64]:
    data = await running.read(image_id)
    return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy()[..., :3], dtype=float)


async def test_places_and_roads_lie_on_land(running: Service) -> None:
    for _ in range(3):
        image = (await running.generate(request())).image
        picture = await colors(running, image.id)
        along = [(250, 200), (560, 410)]
        for x, y in PLACES + along:
            around = picture[y - 25 : y + 25, x - 25 : x + 25].reshape(-1, 3).mean(axis=0)
            assert around[0] > around[2], "earth and grass, not water"
    assert len(running.standin.prompts[-1]["images"]) == 1
    assert "red squares" in running.standin.prompts[-1]["prompt"]


async def test_a_map_without_places_has_no_layout(running: Service) -> None:
    await running.generate(request(points_of_interest=[], roads=[]))
    assert "images" not in running.standin.prompts[-1]


async def test_a_model_without_references_does_without_the_layout(running: Service) -> None:
    generation = await running.generate(request(model="z-image-turbo"))
    assert generation.HasField("image")
    assert "images" not in running.standin.prompts[-1]


async def test_new_versions_keep_the_roads(running: Service) -> None:
    image = (await running.generate(request())).image
    again = RegenerateImageRequest(image_id=image.id, version=1, campaign_map={"details": "winter"})
    changed = (await running.generate(again)).image
    assert changed.metadata.generation_params.request.campaign_map.roads == request().roads
    assert len(running.standin.prompts[-1]["images"]) == 1
    await running.generate(ApplyThemeRequest(image_id=image.id, version=2, theme="horror"))
    assert len(running.standin.prompts[-1]["images"]) == 2, "the layout and the current picture"


async def test_a_road_has_two_points_at_least(running: Service) -> None:
    wanted = request(roads=[{"waypoints": [{"x": 1, "y": 1}]}])
    status = await failed_call(running.generations.GenerateCampaignMap(wanted))
    assert status.fields == ["roads[0].waypoints"]


async def test_roads_belong_to_what_makes_pictures_equal(running: Service) -> None:
    same = {"cache": CacheMode.CACHE_MODE_USE, "size": {"width": 400, "height": 300}}
    first, again = [await running.generate(request(**same)) for _ in range(2)]
    other = await running.generate(request(**same, roads=[]))
    assert (first.image.id == again.image.id, first.image.id == other.image.id) == (True, False)


async def test_places_beside_the_picture_make_no_layout(running: Service) -> None:
    await running.generate(request(points_of_interest=[{"type": "town", "location": {"x": 900, "y": 50}}], roads=[]))
    assert "images" not in running.standin.prompts[-1]


async def test_the_longest_roads_are_drawn(running: Service) -> None:
    path = [{"x": 400 + 380 * math.sin(step / 9), "y": 300 + 280 * math.cos(step / 7)} for step in range(200)]
    assert (await running.generate(request(roads=[{"waypoints": path}] * 3))).HasField("image")
