"""Applying a theme to an image."""

from __future__ import annotations

import base64
from typing import Any

import grpc
import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import ThemeElement

from image_grpc.themes.catalog import built_in_themes
from tests.generation.revisions.calls import apply, prompt_of
from tests.service import Service, campaign_map, new_id
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_new_theme_keeps_grid_overlays_and_the_old_version(platform: Service, field: Image) -> None:
    old = await platform.read(field.id)
    generation = await apply(
        platform,
        field,
        "cyberpunk",
        strength=0.25,
        elements=[ThemeElement.THEME_ELEMENT_ARCHITECTURE, ThemeElement.THEME_ELEMENT_TECHNOLOGY],
        style={"color_scheme": "teal and rust", "lighting": "candles", "atmosphere": "dread"},
    )
    image = generation.image
    assert (image.id, image.version, image.map) == (field.id, 2, field.map)
    assert list(image.overlays) == list(field.overlays)
    assert image == await platform.get_image(field.id)
    assert (image.content.size, image.content.format) == (field.content.size, field.content.format)
    assert await platform.read(field.id, version=1) == old
    assert await platform.read(field.id) != old

    association = image.metadata.theme_association
    assert image.metadata.theme == association.theme == "cyberpunk"
    assert (association.theme_version, association.strength, list(association.elements)) == (0, 0.25, [1, 3])
    assert association.style.atmosphere == "dread"
    assert association.HasField("apply_time")
    assert (await platform.get_image(field.id, version=1)).metadata == field.metadata

    sent, prompt = platform.standin.prompts[-1], prompt_of(platform)
    characters = len(base64.b64encode(old))
    assert sent["images"] == [{"url": f"data:image/png;base64,<{characters} characters>"}]
    assert sent["model"] == generation.model == "seedream-5-lite"
    new, old_elements = built_in_themes()["cyberpunk"].elements, built_in_themes()["fantasy"].elements
    for phrase in (
        "0.25",
        "teal and rust",
        "candles",
        "dread",
        new.architecture.rstrip("."),
        new.technology.rstrip("."),
    ):
        assert phrase in prompt
    assert old_elements.environment.rstrip(".") in prompt, "elements that are not applied stay the same"
    assert new.environment.rstrip(".") not in prompt


async def test_a_theme_is_applied_in_full_by_default(platform: Service, face: Image) -> None:
    image = (await apply(platform, face, "western")).image
    association = image.metadata.theme_association
    assert (association.strength, list(association.elements)) == (1.0, [])
    assert built_in_themes()["western"].elements.clothing.rstrip(".") in prompt_of(platform)
    none = (await apply(platform, image, "horror", strength=0)).image
    assert none.metadata.theme_association.strength == 0.0


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"theme": "noir"}, "theme", "INVALID_THEME"),
        ({"theme": "No Name"}, "theme", "INVALID_THEME"),
        ({"strength": 1.1}, "strength", "INVALID_ARGUMENT"),
        ({"strength": -0.1}, "strength", "INVALID_ARGUMENT"),
        ({"elements": [0]}, "elements[0]", "INVALID_ARGUMENT"),
        ({"elements": [1, 1]}, "elements", "INVALID_ARGUMENT"),
        ({"version": 0}, "version", "INVALID_ARGUMENT"),
    ],
    ids=str,
)
async def test_a_theme_that_cannot_be_applied_is_refused(
    platform: Service, face: Image, fields: dict[str, Any], field: str, reason: str
) -> None:
    refused = await failed_call(apply(platform, face, **{"theme": "horror", **fields}))
    assert (refused.code, refused.fields, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, [field], reason)


async def test_a_campaign_map_keeps_its_scale_and_places(platform: Service) -> None:
    place = {"type": "town", "name": "Ede", "location": {"x": 3, "y": 4}}
    request = campaign_map(scale={"unit": "miles", "value": 5}, points_of_interest=[place], details=new_id())
    image = (await platform.generate(request)).image
    themed = (await apply(platform, image, "steampunk")).image
    assert themed.map == image.map
    assert themed.map.points_of_interest[0].name == "Ede"
