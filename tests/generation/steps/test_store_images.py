"""The *store* step: the image that a generation creates."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType, Size

from image_grpc.generation.steps.store import StoreStep
from tests.generation.builders import campaign_map, item, new_id, portrait, queued, tactical_map
from tests.generation.conftest import Database
from tests.generation.steps.conftest import generated, run

WALL = {"start": {"x": 1, "unit": 2}, "end": {"x": 2, "unit": 2}}


async def created(store_step: StoreStep, database: Database, record: GenerationRecord) -> Image:
    """Store the picture of a generation and return its image."""
    stored = await database.add_generation(generated(record))
    await run(store_step, stored)
    image = await database.image(stored.image_id)
    assert image is not None
    return image


async def test_a_new_image_has_what_its_request_says(store_step: StoreStep, database: Database) -> None:
    references = [new_id(), new_id()]
    record = queued(
        item(
            type="ITEM_TYPE_ARMOR",
            reference_image_ids=references,
            source={"id": "it", "service": "some-service"},
            size=Size(width=40, height=30),
            format="IMAGE_FORMAT_WEBP",
        )
    )
    record.theme_version = 7
    image = await created(store_step, database, record)
    assert (image.id, image.version) == (record.image_id, 1)
    assert (image.type, image.subtype) == (ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_ARMOR)
    assert list(image.references) == references
    assert (image.content.size.width, image.content.size.height) == (40, 30)
    assert image.content.format == ImageFormat.IMAGE_FORMAT_WEBP
    metadata = image.metadata
    assert (metadata.theme, metadata.source_id, metadata.service) == ("fantasy", "it", "some-service")
    params = metadata.generation_params
    assert params.request == record.generation.request
    assert (params.prompt, params.model) == (record.prompt, record.generation.model)
    assert params.generation_id == record.generation.id
    association = metadata.theme_association
    assert (association.theme, association.theme_version, association.strength) == ("fantasy", 7, 1.0)
    assert association.apply_time.seconds == pytest.approx(time.time(), abs=60)
    assert not image.HasField("map")


@pytest.mark.parametrize(
    ("picture", "properties"),
    [
        (tactical_map(grid={"size": 32}, walls=[WALL]), {"grid", "walls"}),
        (campaign_map(scale={"unit": "miles", "value": 6}), {"scale"}),
    ],
    ids=["tactical map", "campaign map"],
)
async def test_a_map_has_its_properties(
    store_step: StoreStep, database: Database, picture: Any, properties: set[str]
) -> None:
    image = await created(store_step, database, queued(picture))
    assert {field.name for field, _ in image.map.ListFields()} == properties


async def test_a_new_version_replaces_references_and_map(store_step: StoreStep, database: Database) -> None:
    previous = Image(id=new_id(), references=["old-reference"], map={"grid": {"size": 99}})
    await database.add(previous)
    record = queued(tactical_map(walls=[WALL]))
    record.picture.CopyFrom(record.generation.request)
    record.image_id = previous.id
    image = await created(store_step, database, record)
    assert (image.id, image.version) == (previous.id, 2)
    assert list(image.references) == []
    assert not image.map.HasField("grid")
    assert len(image.map.walls) == 1


async def test_an_applied_theme_is_recorded(store_step: StoreStep, database: Database) -> None:
    record = queued(portrait())
    record.theme_association.theme, record.theme_association.strength = "horror", 0.25
    association = (await created(store_step, database, record)).metadata.theme_association
    assert (association.theme, association.strength) == ("horror", 0.25)
    assert association.apply_time.seconds == pytest.approx(time.time(), abs=60)
