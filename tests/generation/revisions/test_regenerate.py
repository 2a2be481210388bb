"""Regenerating an image with changed parameters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import RegenerateImageRequest
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, UndeleteImageRequest
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Priority

from image_grpc_testkit.eventually import eventually
from tests.generation.revisions.calls import apply, is_conflict, is_not_found, prompt_of, regenerate
from tests.service import MODEL, PRICE, Service, block_generations, item, new_id, portrait, service
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
FAILED = GenerationState.GENERATION_STATE_FAILED


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
    assert image == await platform.get_image(face.id)
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


async def test_an_image_that_was_generated_to_refresh_the_cache_can_be_changed(platform: Service) -> None:
    request = portrait(cache=CacheMode.CACHE_MODE_REFRESH, details=new_id())
    image = (await platform.generate(request)).image
    assert (await regenerate(platform, image)).image.version == 2
    assert (await apply(platform, await platform.get_image(image.id), "horror")).image.version == 3


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
    given = {"priority": Priority.PRIORITY_HIGH, "request_id": new_id()}
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
        {"portrait": {"reference_image_ids": [new_id()], "model": "seedream-5-lite"}},
        "portrait.reference_image_ids[0]",
    ),
}


@pytest.mark.parametrize("case", INVALID)
async def test_invalid_changes_are_refused_with_their_path(platform: Service, face: Image, case: str) -> None:
    mask, parameters, field = INVALID[case]
    refused = await failed_call(regenerate(platform, face, mask, **parameters))
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert refused.reason == ("INVALID_THEME" if field.endswith("theme") else "INVALID_ARGUMENT")
    assert await platform.get_image(face.id) == face


async def test_an_invalid_color_is_refused_in_a_new_version_too(platform: Service, field: Image) -> None:
    refused = await failed_call(regenerate(platform, field, tactical_map={"grid": {"color": "notacolor"}}))
    assert refused.fields == ["tactical_map.grid.color"]


async def test_a_stale_version_is_a_conflict_and_an_unknown_image_is_not_found(platform: Service, face: Image) -> None:
    newest = (await regenerate(platform, face)).image
    assert is_conflict(await failed_call(regenerate(platform, face)))
    assert is_conflict(await failed_call(apply(platform, face, "horror", request_id=new_id())))
    unknown = Image(id=new_id(), version=1)
    assert is_not_found(await failed_call(regenerate(platform, unknown)))
    assert is_not_found(await failed_call(apply(platform, unknown, "horror")))
    await platform.images.DeleteImage(DeleteImageRequest(image_id=face.id))
    assert is_not_found(await failed_call(regenerate(platform, newest)))


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
    assert (await failed_call(refused)).fields == ["portrait.species"]
    assert platform.standin.calls == calls
    assert await platform.get_image(face.id) == face


@pytest.mark.parametrize("kind", ["regenerate", "apply"])
async def test_five_concurrent_equal_requests_create_one_version(platform: Service, face: Image, kind: str) -> None:
    calls, request_id = platform.standin.calls, new_id()

    def call(**fields: Any) -> Any:
        if kind == "apply":
            return apply(platform, face, **{"theme": "horror", "request_id": request_id, **fields})
        return regenerate(platform, face, **{"portrait": {"species": "orc"}, "request_id": request_id, **fields})

    results = await asyncio.gather(*(call() for _ in range(5)))
    assert {each.state for each in results} == {SUCCEEDED}
    assert len({each.id for each in results}) == 1
    assert platform.standin.calls == calls + 1
    assert (await platform.get_image(face.id)).version == 2
    assert (await call(version=2)).id == results[0].id, "a repeated request may name the new version"
    other: dict[str, Any] = {"theme": "western"} if kind == "apply" else {"portrait": {"species": "elf"}}
    refused = await failed_call(call(**other))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_two_concurrent_changes_both_become_versions(platform: Service, face: Image) -> None:
    both = await asyncio.gather(
        regenerate(platform, face, portrait={"species": "orc"}), apply(platform, face, "horror")
    )
    assert {generation.state for generation in both} == {SUCCEEDED}
    assert {generation.image.version for generation in both} == {2, 3}
    for generation in both:
        image = await platform.get_image(face.id, version=generation.image.version)
        assert image.metadata.generation_params.generation_id == generation.id
        assert image == generation.image


async def test_an_image_that_is_deleted_meanwhile_gets_no_new_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_finish = block_generations(monkeypatch)
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
    assert (await platform.get_image(field.id, version=1)).map == field.map


async def test_an_item_can_become_an_item_of_another_type(platform: Service) -> None:
    image = (await platform.generate(item(details=new_id()))).image
    changed = (await regenerate(platform, image, item_illustration={"type": 1, "name": "axe"})).image
    assert (changed.type, changed.subtype) == (ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_WEAPON)


async def test_a_new_version_does_not_serve_the_request_of_the_first(platform: Service) -> None:
    request = portrait(details=new_id())
    first = (await platform.generate(request)).image
    await regenerate(platform, first, portrait={"species": "orc"})
    again = await platform.generate(request)
    assert again.cache_hit
    assert again.image == first
