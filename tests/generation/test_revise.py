"""New versions of images: the requests that they are generated from, and how they are refused."""

from __future__ import annotations

from typing import Any

import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, ItemType, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, Priority
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import GetimgNotConfigured, ImageNotFound, InvalidArgument, RequestIdReused, VersionConflict
from image_grpc.generation.intake import Intake
from image_grpc.generation.requests import picture_in
from image_grpc.generation.resolve import Resolver
from image_grpc.generation.revise import PER_CALL_FIELDS, Reviser, changed_request, request_of
from image_grpc.hub import topology
from image_grpc.messages import clone
from image_grpc.storage import Storage
from image_grpc.themes import ThemeCatalog
from image_grpc.themes.catalog import built_in_themes
from tests.generation.builders import SETTINGS, THEME, new_id, portrait, resolved, stored_image
from tests.generation.conftest import Database, Jobs, ScriptedProvider
from tests.generation.memory_storage import MemoryStorageService

HORROR = built_in_themes()["horror"]
ORIGINAL = portrait(species="elf", traits=["scar"], style={"background": "a cave"}, priority=Priority.PRIORITY_LOW)


@pytest.fixture
def reviser(storage: Storage, provider: ScriptedProvider, intake: Intake) -> Reviser:
    themes = ThemeCatalog(storage)
    provider.models = {
        id_: Model(id=id_, max_reference_images=4, prices=[{"amount": "0.05"}])
        for id_ in (SETTINGS.model_portrait, SETTINGS.model_apply_theme)
    }
    return Reviser(SETTINGS, storage, themes, Resolver(SETTINGS, themes, storage, provider), intake)


@pytest.fixture
async def image(database: Database) -> Image:
    new = stored_image()
    new.metadata.generation_params.request.CopyFrom(resolved(ORIGINAL).request)
    await database.add(new)
    stored = await database.image(new.id)
    assert stored is not None
    return stored


def regenerate(image: Image, **fields: Any) -> RegenerateImageRequest:
    return RegenerateImageRequest(**{"image_id": image.id, "version": image.version, **fields})


def restyle(image: Image, **fields: Any) -> ApplyThemeRequest:
    return ApplyThemeRequest(**{"image_id": image.id, "version": image.version, "theme": "horror", **fields})


async def violated(call: Any) -> list[str]:
    with pytest.raises(InvalidArgument) as caught:
        await call
    return [violation.field for violation in caught.value.violations]


async def test_changed_parameters_are_merged_into_the_request_of_the_image(
    reviser: Reviser, image: Image, database: Database
) -> None:
    record = await reviser.regenerate(regenerate(image, portrait={"species": "orc"}))
    expected = clone(picture_in(resolved(ORIGINAL).request))
    expected.species, expected.priority = "orc", Priority.PRIORITY_NORMAL
    assert record.picture.portrait == expected
    assert record.image_id == image.id
    assert record.generation.state == GenerationState.GENERATION_STATE_QUEUED
    assert record == await database.generation(record.generation.id)


async def test_a_mask_also_clears_fields(reviser: Reviser, image: Image) -> None:
    request = regenerate(image, portrait={"species": "orc"}, update_mask={"paths": ["traits"]})
    record = await reviser.regenerate(request)
    assert (record.picture.portrait.species, list(record.picture.portrait.traits)) == ("elf", [])


@pytest.mark.parametrize("priority", [each for each in Priority.values() if each], ids=Priority.Name)
async def test_the_priority_is_that_of_the_request(
    reviser: Reviser, image: Image, jobs: Jobs, priority: Priority
) -> None:
    await reviser.regenerate(regenerate(image, priority=priority))
    await reviser.apply_theme(restyle(image, priority=priority))
    assert await jobs.count(topology.GENERATE_QUEUES[priority]) == 2


async def test_repeated_and_nested_fields_are_replaced_not_merged(reviser: Reviser, image: Image) -> None:
    changed = portrait(traits=["beard"], style={"pose": "sitting"})
    first = await reviser.regenerate(regenerate(image, portrait={"traits": changed.traits, "style": changed.style}))
    assert list(first.picture.portrait.traits) == ["beard"]
    assert first.picture.portrait.style == changed.style


async def test_a_restyled_version_uses_the_current_picture_as_its_only_reference(
    reviser: Reviser, database: Database
) -> None:
    new = stored_image()
    new.metadata.generation_params.request.CopyFrom(resolved(ORIGINAL).request)
    new.metadata.generation_params.request.portrait.reference_image_ids.append(new_id())
    await database.add(new)
    record = await reviser.apply_theme(restyle(Image(id=new.id, version=1)))
    assert record.reference_version == 1
    assert record.generation.model == SETTINGS.model_apply_theme
    picture = record.picture.portrait
    assert (picture.theme, picture.species, list(picture.reference_image_ids)) == ("horror", "elf", [])


async def test_a_theme_that_was_deleted_does_not_prevent_restyling(reviser: Reviser, database: Database) -> None:
    old = stored_image(metadata={"theme": "of_ours"}, content={"size": {"width": 64, "height": 64}})
    await database.add(old)
    stored = await database.image(old.id)
    assert stored is not None
    record = await reviser.apply_theme(restyle(stored, elements=[1]))
    assert record.theme_association.theme == "horror"


@pytest.mark.parametrize("field", sorted(PER_CALL_FIELDS))
def test_fields_of_the_call_are_not_parameters(field: str) -> None:
    image = Image(metadata={"generation_params": {"request": resolved(ORIGINAL).request}})
    request = RegenerateImageRequest(portrait={}, update_mask={"paths": ["species", field]})
    with pytest.raises(InvalidArgument, match=field) as caught:
        changed_request(image, request)
    assert [violation.field for violation in caught.value.violations] == ["portrait"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"item_illustration": {"name": "ring"}}, "item_illustration"),
        ({"update_mask": {"paths": ["no_such_field"]}}, "update_mask"),
        ({"portrait": {"species": "x" * 201}}, "portrait.species"),
        ({"portrait": {"theme": "noir"}}, "portrait.theme"),
        ({"portrait": {"model": "brush"}}, "portrait.model"),
    ],
    ids=str,
)
async def test_invalid_parameters_are_reported_with_their_path(
    reviser: Reviser, image: Image, fields: dict[str, Any], field: str
) -> None:
    assert await violated(reviser.regenerate(regenerate(image, **fields))) == [field]


async def test_an_unknown_theme_is_a_field_of_the_request_itself(reviser: Reviser, image: Image) -> None:
    assert await violated(reviser.apply_theme(restyle(image, theme="noir"))) == ["theme"]


async def test_the_image_must_exist_in_the_named_version(reviser: Reviser, image: Image, database: Database) -> None:
    with pytest.raises(ImageNotFound):
        await reviser.regenerate(RegenerateImageRequest(image_id=new_id(), version=1))
    with pytest.raises(VersionConflict) as caught:
        await reviser.apply_theme(restyle(image, version=2))
    assert caught.value.metadata == {"version": "1"}
    await database.delete_image(image.id)
    with pytest.raises(ImageNotFound):
        await reviser.regenerate(regenerate(image))


async def test_a_repeated_request_gets_the_same_generation(reviser: Reviser, image: Image) -> None:
    request_id = new_id()
    first = await reviser.regenerate(regenerate(image, request_id=request_id))
    assert await reviser.regenerate(regenerate(image, request_id=request_id, version=7)) == first
    with pytest.raises(RequestIdReused):
        await reviser.regenerate(regenerate(image, request_id=request_id, portrait={"species": "orc"}))


async def test_a_repeated_request_gets_the_same_generation_even_if_the_image_was_deleted(
    reviser: Reviser, image: Image, database: Database
) -> None:
    request = regenerate(image, request_id=new_id())
    first = await reviser.regenerate(request)
    await database.delete_image(image.id)
    assert await reviser.regenerate(request) == first


async def test_elements_that_are_not_applied_stay_those_of_the_theme_of_the_image(
    reviser: Reviser, image: Image
) -> None:
    prompt = (await reviser.apply_theme(restyle(image, elements=[2]))).prompt
    assert THEME.elements.lighting in prompt
    assert HORROR.elements.clothing in prompt
    assert THEME.elements.clothing not in prompt


async def test_the_same_request_twice_at_once_is_one_generation(
    reviser: Reviser, image: Image, storage_service: MemoryStorageService
) -> None:
    request = regenerate(image, request_id=new_id())
    overtaking = []

    async def overtake(_: StoreRequest) -> None:
        overtaking.append(await reviser.regenerate(request))

    storage_service.before_store = overtake
    assert [await reviser.regenerate(request)] == overtaking


@pytest.mark.parametrize("kind", ["regenerate", "restyle"])
async def test_a_preview_has_a_cost_and_stores_nothing(
    reviser: Reviser, image: Image, storage_service: MemoryStorageService, kind: str
) -> None:
    stored = storage_service.stored
    if kind == "regenerate":
        preview = await reviser.regenerate(regenerate(image, validate_only=True))
    else:
        preview = await reviser.apply_theme(restyle(image, validate_only=True))
    assert (preview.generation.id, preview.generation.cost.amount) == ("", "0.05")
    assert storage_service.stored == stored


async def test_without_an_api_key_no_version_is_accepted(
    reviser: Reviser, image: Image, provider: ScriptedProvider
) -> None:
    provider.configured = False
    with pytest.raises(GetimgNotConfigured):
        await reviser.regenerate(regenerate(image))


@pytest.mark.parametrize(
    ("subtype", "field"),
    [
        (ImageSubtype.IMAGE_SUBTYPE_TACTICAL, "tactical_map"),
        (ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, "campaign_map"),
        (ImageSubtype.IMAGE_SUBTYPE_PORTRAIT, "portrait"),
        (ImageSubtype.IMAGE_SUBTYPE_ARMOR, "item_illustration"),
    ],
)
def test_an_uploaded_image_leads_to_a_request_for_a_picture_like_it(subtype: ImageSubtype, field: str) -> None:
    image = stored_image(subtype=subtype)
    image.content.format = ImageFormat.IMAGE_FORMAT_WEBP
    image.content.size.width, image.content.size.height = 60, 40
    image.metadata.source_id, image.metadata.service = "it", "some-service"
    request = request_of(image)
    assert request.WhichOneof("kind") == field
    picture = picture_in(request)
    if subtype == ImageSubtype.IMAGE_SUBTYPE_ARMOR:
        assert request.item_illustration.type == ItemType.ITEM_TYPE_ARMOR
    assert (picture.theme, picture.format) == ("fantasy", ImageFormat.IMAGE_FORMAT_WEBP)
    assert (picture.size.width, picture.size.height) == (60, 40)
    assert (picture.source.id, picture.source.service) == ("it", "some-service")


def test_the_request_of_an_image_is_a_copy() -> None:
    image = Image(metadata={"generation_params": {"request": resolved(ORIGINAL).request}})
    changed_request(image, RegenerateImageRequest(portrait={"species": "orc"}))
    assert image.metadata.generation_params.request == resolved(ORIGINAL).request
