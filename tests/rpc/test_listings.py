"""Listings of models, themes and generations over a real channel: pages, page tokens, page sizes."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from tabletop.image.v1 import generation_service_pb2 as pb
from tabletop.image.v1 import theme_service_pb2
from tabletop.image.v1.generation_pb2 import GenerationState

from getimg_standin import MODELS
from tests.service import Service, new_id, portrait
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def pages_of(call: Any, kind: Any, field: str, size: int) -> list[list[Any]]:
    pages: list[list[Any]] = []
    token = ""
    while not pages or token:
        response = await call(kind(page_size=size, page_token=token))
        pages.append(list(getattr(response, field)))
        token = response.next_page_token
    return pages


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_pages_of_any_size_list_all_models(running: Service, size: int) -> None:
    pages = await pages_of(running.generations.ListModels, pb.ListModelsRequest, "models", size)
    assert [model.id for page in pages for model in page] == list(MODELS)
    assert all(len(page) <= size for page in pages)


@pytest.mark.parametrize("size", [1, 4, 6, 100])
async def test_pages_of_any_size_list_all_themes(running: Service, size: int) -> None:
    pages = await pages_of(running.themes.ListThemes, theme_service_pb2.ListThemesRequest, "themes", size)
    themes = [theme for page in pages for theme in page]
    assert [theme.name for theme in themes] == [
        "cyberpunk",
        "fantasy",
        "horror",
        "space_fantasy",
        "steampunk",
        "western",
    ]
    for theme in themes:
        response = await running.themes.GetTheme(theme_service_pb2.GetThemeRequest(theme=theme.name))
        assert response.theme == theme


async def test_an_unknown_theme_is_not_found(running: Service) -> None:
    error = await failed_call(running.themes.GetTheme(theme_service_pb2.GetThemeRequest(theme="atlantis")))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "INVALID_THEME")


@pytest.mark.parametrize("token", ["forged", "AAAA", "ÿ", "YXQ6MA==", "YXQ6LTE=", "YXQ6OTk5", "x" * 512])
async def test_every_method_rejects_a_forged_page_token(running: Service, token: str) -> None:
    for call in (
        running.generations.ListModels(pb.ListModelsRequest(page_token=token)),
        running.generations.ListGenerations(pb.ListGenerationsRequest(page_token=token)),
        running.themes.ListThemes(theme_service_pb2.ListThemesRequest(page_token=token)),
    ):
        error = await failed_call(call)
        assert (error.code, error.reason, error.fields) == (INVALID, "INVALID_ARGUMENT", ["page_token"])


async def test_every_method_rejects_the_page_token_of_another(running: Service) -> None:
    token = (await running.generations.ListModels(pb.ListModelsRequest(page_size=1))).next_page_token
    for call in (
        running.themes.ListThemes(theme_service_pb2.ListThemesRequest(page_token=token)),
        running.generations.ListGenerations(pb.ListGenerationsRequest(page_token=token)),
    ):
        error = await failed_call(call)
        assert (error.code, error.reason, error.fields) == (INVALID, "INVALID_ARGUMENT", ["page_token"])


async def test_a_negative_page_size_is_rejected_and_a_too_large_one_reduced(running: Service) -> None:
    for call, kind in (
        (running.generations.ListModels, pb.ListModelsRequest),
        (running.generations.ListGenerations, pb.ListGenerationsRequest),
        (running.themes.ListThemes, theme_service_pb2.ListThemesRequest),
    ):
        error = await failed_call(call(kind(page_size=-1)))
        assert (error.code, error.fields) == (INVALID, ["page_size"])
        assert await call(kind(page_size=2**31 - 1))


async def test_generations_are_listed_newest_first_and_filtered_by_state(running: Service) -> None:
    source_id = new_id()
    created = [
        (await running.generate(portrait(details=text, source={"id": source_id}))).id
        for text in ("first", "second", "third")
    ]
    listed = await running.generations.ListGenerations(pb.ListGenerationsRequest(source_id=source_id))
    assert [generation.id for generation in listed.generations] == created[::-1]
    failed = pb.ListGenerationsRequest(source_id=source_id, state=GenerationState.GENERATION_STATE_FAILED)
    assert not (await running.generations.ListGenerations(failed)).generations
