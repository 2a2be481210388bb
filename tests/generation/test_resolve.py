"""Resolving requests: what is looked up, how often, and how violations are reported."""

from __future__ import annotations

from typing import Any

import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import CacheMode
from tabletop.storage.v1.record_pb2 import RecordKind

from image_grpc.errors import ApiError, InvalidArgument, InvalidTheme
from image_grpc.generation.kinds.portrait import Portrait
from image_grpc.generation.requests import fingerprint, normalize
from image_grpc.generation.resolve import Resolver
from image_grpc.storage import Storage
from image_grpc.themes import ThemeCatalog
from tests.generation.builders import KINDS, SETTINGS, THEME, new_id, portrait, stored_image, tactical_map
from tests.generation.conftest import Database, ScriptedProvider
from tests.generation.memory_storage import MemoryStorageService

DEFAULT = SETTINGS.model_portrait
CACHE_MODES = [mode for mode in CacheMode.values() if mode]


@pytest.fixture
def resolver(storage: Storage, provider: ScriptedProvider) -> Resolver:
    provider.models = {id_: Model(id=id_, max_reference_images=2) for id_ in (DEFAULT, "other-model")}
    return Resolver(SETTINGS, ThemeCatalog(storage), storage, provider)


@pytest.fixture
async def images(database: Database) -> list[Image]:
    images = [stored_image() for _ in range(3)]
    await database.add(*images)
    return images


async def violations(resolver: Resolver, picture: Any, path: str = "") -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        await resolver.resolve(picture, path=path)
    return caught.value


def fields(error: InvalidArgument) -> list[str]:
    return [violation.field for violation in error.violations]


async def test_a_resolved_request_has_everything_that_the_request_names(
    resolver: Resolver, images: list[Image]
) -> None:
    request = portrait(reference_image_ids=[images[1].id, images[0].id], model="other-model", request_id="r-1")
    resolved = await resolver.resolve(request)
    assert isinstance(resolved.kind, Portrait)
    assert resolved.request == normalize(resolved.kind, request, SETTINGS)
    assert resolved.picture == resolved.request.portrait
    assert resolved.theme == THEME
    assert resolved.model is not None
    assert resolved.model.id == "other-model"
    assert [image.id for image in resolved.references] == [images[1].id, images[0].id]
    assert resolved.fingerprint == fingerprint(resolved.request, THEME)


async def test_everything_is_looked_up_once(
    resolver: Resolver, images: list[Image], storage_service: MemoryStorageService, provider: ScriptedProvider
) -> None:
    storage_service.retrieved.clear()
    ids = [image.id for image in images[:2]]
    request = portrait(theme="of_ours", reference_image_ids=ids, model="other-model", validate_only=True)
    assert fields(await violations(resolver, request)) == ["theme"]
    assert sorted(storage_service.retrieved) == sorted(
        [(RecordKind.RECORD_KIND_THEME, "of_ours"), *((RecordKind.RECORD_KIND_IMAGE, id_) for id_ in ids)]
    )
    assert provider.looked_up == ["other-model"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_plain_request_needs_no_look_up_at_all(
    resolver: Resolver, storage_service: MemoryStorageService, provider: ScriptedProvider, kind: Any
) -> None:
    resolved = await resolver.resolve(kind())
    assert resolved.model is None
    assert resolved.references == ()
    assert storage_service.retrieved == []
    assert provider.looked_up == []


@pytest.mark.parametrize(("path", "prefix"), [("", ""), ("tactical_map.", "tactical_map.")])
async def test_all_violations_are_reported_together(
    resolver: Resolver, images: list[Image], path: str, prefix: str
) -> None:
    request = tactical_map(
        theme="noir", grid={"color": "nocolor"}, reference_image_ids=[images[0].id, new_id(), new_id()], model="brush"
    )
    error = await violations(resolver, request, path)
    expected = ["grid.color", "theme", "reference_image_ids[1]", "reference_image_ids[2]", "model"]
    assert fields(error) == [prefix + field for field in expected]
    assert error.reason == "INVALID_ARGUMENT"


async def test_an_unknown_theme_alone_has_a_reason_of_its_own(resolver: Resolver) -> None:
    error = await violations(resolver, portrait(theme="noir"))
    assert isinstance(error, InvalidTheme)
    assert error.reason == "INVALID_THEME"
    assert "'noir'" in error.message
    assert (await violations(resolver, portrait(theme="noir"), "portrait.")).reason == "INVALID_THEME"


@pytest.mark.parametrize("field", ["model", "reference_image_ids"])
async def test_anything_else_that_is_unknown_is_an_invalid_argument(resolver: Resolver, field: str) -> None:
    value: Any = "brush" if field == "model" else [new_id()]
    assert (await violations(resolver, portrait(**{field: value}))).reason == "INVALID_ARGUMENT"


@pytest.mark.parametrize(("count", "valid"), [(2, True), (3, False)])
async def test_a_model_limits_the_number_of_references(
    resolver: Resolver, images: list[Image], count: int, valid: bool
) -> None:
    request = portrait(reference_image_ids=[image.id for image in images[:count]])
    if valid:
        assert len((await resolver.resolve(request)).references) == 2
    else:
        error = await violations(resolver, request)
        assert fields(error) == ["reference_image_ids"]
        assert f"{DEFAULT} accepts at most 2 reference images" in error.message


@pytest.mark.parametrize(
    ("changes", "looked_up"),
    [
        ({}, []),
        ({"model": "other-model"}, ["other-model"]),
        ({"validate_only": True}, [DEFAULT]),
        ({"reference_image_ids": "stored"}, [DEFAULT]),
    ],
    ids=str,
)
async def test_the_model_is_looked_up_only_if_needed(
    resolver: Resolver, images: list[Image], provider: ScriptedProvider, changes: dict[str, Any], looked_up: list[str]
) -> None:
    if "reference_image_ids" in changes:
        changes = {"reference_image_ids": [images[0].id]}
    resolved = await resolver.resolve(portrait(**changes))
    assert provider.looked_up == looked_up
    assert (resolved.model is not None) == bool(looked_up)


async def test_without_an_api_key_no_model_is_looked_up(resolver: Resolver, provider: ScriptedProvider) -> None:
    provider.configured = False
    assert (await resolver.resolve(portrait(model="brush", validate_only=True))).model is None
    assert provider.looked_up == []


async def test_a_default_model_that_the_catalog_lacks_is_not_the_callers_fault(
    resolver: Resolver, provider: ScriptedProvider
) -> None:
    provider.models.clear()
    assert (await resolver.resolve(portrait(validate_only=True))).model is None


async def test_a_request_is_accepted_while_the_catalog_cannot_be_read(
    resolver: Resolver, provider: ScriptedProvider
) -> None:
    provider.catalog_error = ApiError("no connection", retry_delay=1.0)
    assert (await resolver.resolve(portrait(model="other-model"))).model is None
    with pytest.raises(ApiError):
        await resolver.resolve(portrait(model="other-model", validate_only=True))


@pytest.mark.parametrize("mode", CACHE_MODES, ids=CacheMode.Name)
async def test_a_request_that_bypasses_the_cache_has_no_fingerprint(resolver: Resolver, mode: CacheMode) -> None:
    resolved = await resolver.resolve(portrait(cache=mode))
    assert bool(resolved.fingerprint) == (mode != CacheMode.CACHE_MODE_BYPASS)


async def test_a_deleted_reference_does_not_exist(resolver: Resolver, images: list[Image], database: Database) -> None:
    await database.delete_image(images[0].id)
    request = portrait(reference_image_ids=[image.id for image in images[:2]])
    assert fields(await violations(resolver, request)) == ["reference_image_ids[0]"]
