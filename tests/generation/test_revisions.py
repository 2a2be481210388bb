"""New versions of an image through the whole service: regenerated, restyled and restored."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import (
    DeleteImageRequest,
    ListImageVersionsRequest,
    RestoreImageVersionRequest,
    UndeleteImageRequest,
)
from tabletop.image.v1.theme_pb2 import ThemeElement
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType, Priority

from image_grpc.themes.catalog import built_in_themes
from tests.contracts.patience import eventually
from tests.service import (
    MODEL,
    PRICE,
    Refusal,
    Service,
    campaign_map,
    element,
    held,
    item,
    payload_of,
    portrait,
    refusal,
    service,
    some_id,
    tactical_map,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
FAILED = GenerationState.GENERATION_STATE_FAILED
WALL = {"start": {"x": 0, "y": 0, "unit": 2}, "end": {"x": 2, "y": 0, "unit": 2}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("revisions")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def face(platform: Service) -> Image:
    """A new portrait."""
    request = portrait(species="elf", traits=["scar", "red hair"], details=some_id(), character_id=some_id())
    return (await platform.generate(request)).image


@pytest_asyncio.fixture(loop_scope="module")
async def field(platform: Service) -> Image:
    """A tactical map with a grid, a wall and an overlay."""
    grid = {"enabled": True, "size": 16, "color": "#ff0000"}
    image = (await platform.generate(tactical_map(grid=grid, walls=[WALL], details=some_id()))).image
    await platform.overlay(image.id, element("orc"))
    return await platform.image(image.id)


async def regenerate(platform: Service, image: Image, mask: str = "", **fields: Any) -> Generation:
    request = RegenerateImageRequest(**{"image_id": image.id, "version": image.version, **fields})
    if mask:
        request.update_mask.paths.extend(mask.split(","))
    return await platform.generate(request)


async def apply(platform: Service, image: Image, theme: str, **fields: Any) -> Generation:
    request = ApplyThemeRequest(**{"image_id": image.id, "version": image.version, "theme": theme, **fields})
    return await platform.generate(request)


async def restore(platform: Service, image: Image, version: int, **fields: Any) -> Image:
    request = RestoreImageVersionRequest(
        **{"image_id": image.id, "version": image.version, "restore_version": version, **fields}
    )
    return (await platform.images.RestoreImageVersion(request)).image


def prompt_of(platform: Service) -> str:
    return str(platform.standin.prompts[-1]["prompt"])


def is_conflict(refused: Refusal) -> bool:
    return (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")


def is_not_found(refused: Refusal) -> bool:
    return (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


# RegenerateImage


async def test_a_mask_selects_the_fields_that_change(platform: Service, face: Image) -> None:
    old = await platform.read(face.id)
    generation = await regenerate(
        platform,
        face,
        "species,traits,size.width",
        portrait={"species": "dwarf", "theme": "horror", "size": {"width": 96, "height": 7}},
    )
    assert generation.state == SUCCEEDED
    assert (generation.cost.amount, generation.model) == (PRICE, MODEL)
    image = generation.image
    assert image == await platform.image(face.id)
    assert (image.id, image.version, image.create_time) == (face.id, 2, face.create_time)
    assert (image.content.size.width, image.content.size.height) == (96, 64)
    assert (image.metadata.theme, image.metadata.source_id) == ("fantasy", face.metadata.source_id)
    params = image.metadata.generation_params
    assert params.generation_id == generation.id
    expected = face.metadata.generation_params.request.portrait
    expected.species, expected.size.width = "dwarf", 96
    del expected.traits[:]
    assert params.request.portrait == expected
    assert "dwarf" in prompt_of(platform)
    assert "scar" not in prompt_of(platform)
    assert await platform.read(face.id, version=1) == old
    assert await platform.read(face.id) != old


async def test_without_a_mask_every_field_that_is_set_changes(platform: Service, face: Image) -> None:
    changed = {"species": "orc", "format": ImageFormat.IMAGE_FORMAT_WEBP, "theme": "western"}
    image = (await regenerate(platform, face, portrait=changed)).image
    merged = image.metadata.generation_params.request.portrait
    assert (merged.species, list(merged.traits), merged.theme) == ("orc", ["scar", "red hair"], "western")
    assert image.content.format == ImageFormat.IMAGE_FORMAT_WEBP
    assert (image.metadata.theme, image.metadata.theme_association.theme) == ("western", "western")


async def test_without_parameters_the_same_request_is_generated_again(platform: Service, face: Image) -> None:
    calls = platform.standin.calls
    generation = await regenerate(platform, face)
    assert (generation.state, generation.cache_hit, generation.image.version) == (SUCCEEDED, False, 2)
    assert platform.standin.calls == calls + 1
    assert generation.image.metadata.generation_params.request == face.metadata.generation_params.request, (
        "nothing else has changed"
    )


async def test_a_generation_contains_its_request(platform: Service, face: Image) -> None:
    given = {"priority": Priority.PRIORITY_HIGH, "request_id": some_id()}
    generation = await regenerate(platform, face, "species", portrait={"species": "orc"}, **given)
    expected = RegenerateImageRequest(
        image_id=face.id, version=1, portrait={"species": "orc"}, update_mask={"paths": ["species"]}, priority=1
    )
    assert generation.request.regenerate_image == expected
    listed = await platform.generations.ListGenerations(
        ListGenerationsRequest(source_id=face.metadata.source_id, type=ImageType.IMAGE_TYPE_CHARACTER)
    )
    assert listed.generations[0].id == generation.id


INVALID: dict[str, tuple[str, dict[str, Any], str]] = {
    "parameters of another kind": ("", {"item_illustration": {"name": "ring"}}, "item_illustration"),
    "an unknown field": ("no_such_field", {"portrait": {}}, "update_mask"),
    "a field of the call in the mask": ("request_id", {"portrait": {}}, "portrait"),
    "a field of the call": ("", {"portrait": {"cache": 2}}, "portrait"),
    "too long a text": ("", {"portrait": {"species": "x" * 201}}, "portrait.species"),
    "no theme": ("theme", {"portrait": {}}, "portrait.theme"),
    "an unknown theme": ("", {"portrait": {"theme": "noir"}}, "portrait.theme"),
    "too small a side": ("size.height", {"portrait": {"size": {"height": 1}}}, "portrait.size.height"),
    "an unknown model": ("", {"portrait": {"model": "brush"}}, "portrait.model"),
    "an unknown reference": (
        "",
        {"portrait": {"reference_image_ids": [some_id()], "model": "seedream-5-lite"}},
        "portrait.reference_image_ids[0]",
    ),
}


@pytest.mark.parametrize("case", INVALID)
async def test_invalid_changes_are_refused_with_their_path(platform: Service, face: Image, case: str) -> None:
    mask, parameters, field = INVALID[case]
    refused = await refusal(regenerate(platform, face, mask, **parameters))
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert refused.reason == ("INVALID_THEME" if field.endswith("theme") else "INVALID_ARGUMENT")
    assert await platform.image(face.id) == face


async def test_an_invalid_color_is_refused_in_a_new_version_too(platform: Service, field: Image) -> None:
    refused = await refusal(regenerate(platform, field, tactical_map={"grid": {"color": "notacolor"}}))
    assert refused.fields == ["tactical_map.grid.color"]


async def test_a_stale_version_is_a_conflict_and_an_unknown_image_is_not_found(platform: Service, face: Image) -> None:
    newest = (await regenerate(platform, face)).image
    assert is_conflict(await refusal(regenerate(platform, face)))
    assert is_conflict(await refusal(apply(platform, face, "horror", request_id=some_id())))
    unknown = Image(id=some_id(), version=1)
    assert is_not_found(await refusal(regenerate(platform, unknown)))
    assert is_not_found(await refusal(apply(platform, unknown, "horror")))
    await platform.images.DeleteImage(DeleteImageRequest(image_id=face.id))
    assert is_not_found(await refusal(regenerate(platform, newest)))


async def test_validate_only_returns_the_cost_and_does_nothing(platform: Service, face: Image) -> None:
    calls = platform.standin.calls
    for preview in (
        await regenerate(platform, face, portrait={"species": "orc"}, validate_only=True),
        await apply(platform, face, "horror", validate_only=True),
    ):
        assert (preview.id, preview.state) == ("", GenerationState.GENERATION_STATE_UNSPECIFIED)
        assert preview.cost.amount
        assert preview.model
    refused = regenerate(platform, face, portrait={"species": "x" * 201}, validate_only=True)
    assert (await refusal(refused)).fields == ["portrait.species"]
    assert platform.standin.calls == calls
    assert await platform.image(face.id) == face


@pytest.mark.parametrize("kind", ["regenerate", "apply"])
async def test_five_concurrent_equal_requests_create_one_version(platform: Service, face: Image, kind: str) -> None:
    calls, request_id = platform.standin.calls, some_id()

    def call(**fields: Any) -> Any:
        if kind == "apply":
            return apply(platform, face, **{"theme": "horror", "request_id": request_id, **fields})
        return regenerate(platform, face, **{"portrait": {"species": "orc"}, "request_id": request_id, **fields})

    results = await asyncio.gather(*(call() for _ in range(5)))
    assert {each.state for each in results} == {SUCCEEDED}
    assert len({each.id for each in results}) == 1
    assert platform.standin.calls == calls + 1
    assert (await platform.image(face.id)).version == 2
    assert (await call(version=2)).id == results[0].id, "a repeated request may name the new version"
    other: dict[str, Any] = {"theme": "western"} if kind == "apply" else {"portrait": {"species": "elf"}}
    refused = await refusal(call(**other))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_two_concurrent_changes_both_become_versions(platform: Service, face: Image) -> None:
    both = await asyncio.gather(
        regenerate(platform, face, portrait={"species": "orc"}), apply(platform, face, "horror")
    )
    assert {generation.state for generation in both} == {SUCCEEDED}
    assert {generation.image.version for generation in both} == {2, 3}
    for generation in both:
        image = await platform.image(face.id, version=generation.image.version)
        assert image.metadata.generation_params.generation_id == generation.id
        assert image == generation.image


async def test_an_image_that_is_deleted_meanwhile_gets_no_new_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_finish = held(monkeypatch)
    may_finish.set()
    async with service(tmp_path) as platform:
        image = (await platform.generate(portrait())).image
        may_finish.clear()
        async with asyncio.TaskGroup() as group:
            revisions = [
                group.create_task(regenerate(platform, image)),
                group.create_task(apply(platform, image, "horror")),
            ]
            await eventually(lambda: platform.standin.in_flight == 2, "both are generated")
            await platform.images.DeleteImage(DeleteImageRequest(image_id=image.id))
            may_finish.set()
        for revision in revisions:
            generation = revision.result()
            assert (generation.state, generation.error.reason) == (FAILED, "IMAGE_NOT_FOUND")
        restored = await platform.images.UndeleteImage(UndeleteImageRequest(image_id=image.id))
        assert restored.image == image


async def test_a_map_keeps_its_overlays_and_the_rest_of_its_grid(platform: Service, field: Image) -> None:
    generation = await regenerate(platform, field, "grid.size,features", tactical_map={"grid": {"size": 32}})
    image = generation.image
    assert list(image.overlays) == list(field.overlays)
    assert len(image.overlays) == 1
    assert (image.map.grid.size, image.map.grid.color, image.map.grid.enabled) == (32, "#ff0000", True)
    assert image.map.walls == field.map.walls
    assert (await platform.image(field.id, version=1)).map == field.map


async def test_an_item_can_become_an_item_of_another_type(platform: Service) -> None:
    image = (await platform.generate(item(details=some_id()))).image
    changed = (await regenerate(platform, image, item_illustration={"type": 1, "name": "axe"})).image
    assert (changed.type, changed.subtype) == (ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_WEAPON)


async def test_a_new_version_does_not_serve_the_request_of_the_first(platform: Service) -> None:
    request = portrait(details=some_id())
    first = (await platform.generate(request)).image
    await regenerate(platform, first, portrait={"species": "orc"})
    again = await platform.generate(request)
    assert again.cache_hit
    assert again.image == first


# ApplyTheme


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
    assert image == await platform.image(field.id)
    assert (image.content.size, image.content.format) == (field.content.size, field.content.format)
    assert await platform.read(field.id, version=1) == old
    assert await platform.read(field.id) != old

    association = image.metadata.theme_association
    assert image.metadata.theme == association.theme == "cyberpunk"
    assert (association.theme_version, association.strength, list(association.elements)) == (0, 0.25, [1, 3])
    assert association.style.atmosphere == "dread"
    assert association.HasField("apply_time")
    assert (await platform.image(field.id, version=1)).metadata == field.metadata

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
    refused = await refusal(apply(platform, face, **{"theme": "horror", **fields}))
    assert (refused.code, refused.fields, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, [field], reason)


async def test_a_campaign_map_keeps_its_scale_and_places(platform: Service) -> None:
    place = {"type": "town", "name": "Ede", "location": {"x": 3, "y": 4}}
    request = campaign_map(scale={"unit": "miles", "value": 5}, points_of_interest=[place], details=some_id())
    image = (await platform.generate(request)).image
    themed = (await apply(platform, image, "steampunk")).image
    assert themed.map == image.map
    assert themed.map.points_of_interest[0].name == "Ede"


# Events


async def test_events_of_new_versions_have_the_callers_correlation_id(platform: Service, face: Image) -> None:
    metadata = (("x-correlation-id", "campaign-9"),)
    async with platform.hearing("image.generated", "theme.applied") as events:
        restyling = ApplyThemeRequest(image_id=face.id, version=1, theme="horror", elements=[1, 5])
        image = (await platform.generate(restyling, metadata=metadata)).image
        changed = RegenerateImageRequest(image_id=face.id, version=2, portrait={"species": "orc"})
        newer = (await platform.generate(changed, metadata=metadata)).image
        restoring = RestoreImageVersionRequest(image_id=face.id, version=3, restore_version=1)
        restored = (await platform.images.RestoreImageVersion(restoring, metadata=metadata)).image
        await eventually(lambda: len(events) == 4, "all events arrive")
    assert {event.correlation_id for event in events} == {"campaign-9"}
    [applied] = [payload_of(event) for event in events if event.type == "theme_applied"]
    assert applied == {"image_id": face.id, "theme": "horror", "elements": ["architecture", "color_scheme"]}
    generated = [payload_of(event) for event in events if event.type == "image_generated"]
    assert [each["storage_correlation_id"] for each in generated] == [
        each.storage_correlation_id for each in (image, newer, restored)
    ]
    for each in generated:
        assert each.keys() == {"storage_correlation_id", "image_id", "type", "source_id", "timestamp"}
        assert (each["image_id"], each["type"]) == (face.id, "character")
        assert each["source_id"] == face.metadata.source_id
        assert each["timestamp"]


# Versions


async def test_every_version_can_be_listed_and_read(platform: Service, face: Image) -> None:
    two = (await regenerate(platform, face, portrait={"species": "orc"})).image
    three = (await apply(platform, two, "horror")).image
    versions = [face, two, three]
    pages, token = [], ""
    while not pages or token:
        request = ListImageVersionsRequest(image_id=face.id, page_size=2, page_token=token)
        page = await platform.images.ListImageVersions(request)
        pages.append(list(page.images))
        token = page.next_page_token
    assert pages == [[three, two], [face]]
    for image in versions:
        assert await platform.image(face.id, version=image.version) == image
        assert len(await platform.read(face.id, version=image.version)) == image.content.byte_size
    assert is_not_found(await refusal(platform.image(face.id, version=4)))


async def test_an_old_version_of_a_map_has_its_overlays(platform: Service, field: Image) -> None:
    await regenerate(platform, field)
    listed = (await platform.images.ListImageVersions(ListImageVersionsRequest(image_id=field.id))).images
    for image in (await platform.image(field.id, version=1), *listed):
        assert list(image.overlays) == list(field.overlays)


async def test_a_restored_version_is_a_new_version_with_the_old_picture(platform: Service, field: Image) -> None:
    old = await platform.read(field.id)
    two = (await apply(platform, field, "horror")).image
    three = await restore(platform, two, 1)
    assert (three.version, three.content, three.map, three.metadata) == (3, field.content, field.map, field.metadata)
    assert list(three.overlays) == list(field.overlays)
    assert three.storage_correlation_id not in ("", field.storage_correlation_id)
    assert (three.create_time, three.update_time != field.update_time) == (field.create_time, True)
    assert await platform.image(field.id) == three
    assert await platform.read(field.id) == old
    assert await platform.image(field.id, version=2) == two


async def test_an_impossible_restoration_is_refused(platform: Service, face: Image) -> None:
    two = (await regenerate(platform, face)).image
    assert is_conflict(await refusal(restore(platform, face, 1)))
    assert is_conflict(await refusal(restore(platform, face, 1, request_id=some_id())))
    assert is_not_found(await refusal(restore(platform, two, 3)))
    assert is_not_found(await refusal(restore(platform, Image(id=some_id(), version=2), 1)))
    refused = await refusal(restore(platform, two, 0))
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["restore_version"])
    await platform.images.DeleteImage(DeleteImageRequest(image_id=face.id))
    assert is_not_found(await refusal(restore(platform, two, 1)))


async def test_a_restoration_happens_once_per_request_id(platform: Service, face: Image) -> None:
    two = (await regenerate(platform, face)).image
    request_id = some_id()
    results = await asyncio.gather(*(restore(platform, two, 1, request_id=request_id) for _ in range(5)))
    assert all(each == results[0] for each in results)
    assert await restore(platform, results[0], 1, request_id=request_id) == results[0]
    assert (await platform.image(face.id)).version == 3
    refused = await refusal(restore(platform, two, 2, request_id=request_id))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
