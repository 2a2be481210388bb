"""What a request names may be deleted after the request was checked: the caller learns what is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, DeleteThemeRequest

from getimg_standin import MODELS, queries
from image_grpc.generation.resolve import Resolver
from image_grpc.getimg import models
from image_grpc.themes import ThemeCatalog
from tests.service import Service, new_id, portrait, service
from tests.statuses import CallStatus, failed_call

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
REFERENCE_MODEL = "seedream-5-lite"
"""A model that accepts reference images."""


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path) as running:
        yield running


async def create_theme(platform: Service) -> str:
    theme = Theme(name="of_ours", display_name="Ours", elements={"architecture": "towers"})
    await platform.themes.CreateTheme(CreateThemeRequest(theme=theme))
    return theme.name


async def submit_after_deletion(platform: Service, request: Any, delete: Callable[[], Awaitable[object]]) -> CallStatus:
    """Validate a request, delete what it names, and submit it; return how it is refused.

    `delete` is a function, because a call of gRPC begins when it is created.
    """
    preview = type(request)()
    preview.CopyFrom(request)
    preview.validate_only = True
    await platform.generate(preview)
    calls = platform.standin.calls
    await delete()
    refused = await failed_call(platform.generate(request))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert platform.standin.calls == calls
    return refused


async def test_a_deleted_theme_is_an_invalid_theme(platform: Service) -> None:
    name = await create_theme(platform)

    def delete() -> Awaitable[object]:
        return platform.themes.DeleteTheme(DeleteThemeRequest(theme=name))

    refused = await submit_after_deletion(platform, portrait(theme=name), delete)
    assert (refused.reason, refused.fields) == ("INVALID_THEME", ["theme"])


async def test_a_deleted_reference_is_an_invalid_argument(platform: Service) -> None:
    image = (await platform.generate(portrait())).image

    def delete() -> Awaitable[object]:
        return platform.images.DeleteImage(DeleteImageRequest(image_id=image.id))

    request = portrait(details="older", reference_image_ids=[image.id], model=REFERENCE_MODEL)
    refused = await submit_after_deletion(platform, request, delete)
    assert (refused.reason, refused.fields) == ("INVALID_ARGUMENT", ["reference_image_ids[0]"])


async def test_a_repeated_request_id_gets_its_generation_although_the_reference_was_deleted(platform: Service) -> None:
    image = (await platform.generate(portrait())).image
    request = portrait(reference_image_ids=[image.id], model=REFERENCE_MODEL, request_id=new_id())
    first = await platform.generate(request)
    await platform.images.DeleteImage(DeleteImageRequest(image_id=image.id))
    assert await platform.generate(request) == first


async def test_a_withdrawn_model_is_an_invalid_argument(platform: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def remove_model() -> None:
        remaining = {id_: model for id_, model in MODELS.items() if id_ != REFERENCE_MODEL}
        monkeypatch.setattr(queries, "MODELS", remaining)
        monkeypatch.setattr(models, "MAX_AGE_SECONDS", -1)

    refused = await submit_after_deletion(platform, portrait(model=REFERENCE_MODEL), remove_model)
    assert (refused.reason, refused.fields) == ("INVALID_ARGUMENT", ["model"])


async def test_a_theme_that_is_deleted_after_its_look_up_is_still_used(
    platform: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await create_theme(platform)
    get, resolve = ThemeCatalog.get, Resolver.resolve

    async def get_then_delete(self: ThemeCatalog, name_: str) -> Theme | None:
        theme = await get(self, name_)
        monkeypatch.setattr(ThemeCatalog, "get", get)
        await platform.themes.DeleteTheme(DeleteThemeRequest(theme=name))
        return theme

    async def resolve_while_deleting(self: Resolver, *args: Any, **options: Any) -> Any:
        monkeypatch.setattr(ThemeCatalog, "get", get_then_delete)
        return await resolve(self, *args, **options)

    monkeypatch.setattr(Resolver, "resolve", resolve_while_deleting)
    generation = await platform.generate(portrait(theme=name))
    assert generation.state == SUCCEEDED
    assert generation.image.metadata.theme == name
