"""GenerationService, ThemeService and StatusService: what is refused, what is listed, what is reported."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1 import generation_service_pb2 as pb
from tabletop.image.v1 import status_service_pb2, theme_service_pb2
from tabletop.image.v1.generation_pb2 import GenerationState

from getimg_standin import MODELS
from image_grpc_testkit.eventually import eventually
from tests.service import PRICE, Service, campaign_map, item, portrait, refusal, refused_stream, service, tactical_map

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = grpc.StatusCode.INVALID_ARGUMENT
KINDS = [tactical_map, campaign_map, portrait, item]
every_kind = pytest.mark.parametrize("kind", KINDS)
UNKNOWN_ID = "6f0c5b7e-3f0e-4d3a-9a53-0a3f6f9b1c11"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("generations")) as it:
        yield it


# Bad requests


@every_kind
@pytest.mark.parametrize("theme", ["", "atlantis", "Fantasy", "x" * 65, "'; DROP TABLE themes"])
async def test_a_theme_that_is_none_is_refused(running: Service, kind: Any, theme: str) -> None:
    error = await refusal(running.generate(kind(theme=theme)))
    assert (error.code, error.reason, error.fields) == (INVALID, "INVALID_THEME", ["theme"])


@every_kind
@pytest.mark.parametrize("side", [-1, 0, 31, 4097, 100_000])
async def test_a_size_out_of_range_is_refused_on_both_sides(running: Service, kind: Any, side: int) -> None:
    error = await refusal(running.generate(kind(size={"width": side, "height": side})))
    assert (error.code, error.reason) == (INVALID, "INVALID_ARGUMENT")
    assert error.fields == ["size.width", "size.height"]


@every_kind
async def test_3000_characters_of_details_are_refused(running: Service, kind: Any) -> None:
    error = await refusal(running.generate(kind(details="x" * 3000)))
    assert (error.code, error.fields) == (INVALID, ["details"])


@every_kind
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"request_id": "7"}, "request_id"),
        ({"source": {"id": "7"}}, "source.id"),
        ({"reference_image_ids": ["7"], "model": "gpt-image-2"}, "reference_image_ids[0]"),
        ({"reference_image_ids": [UNKNOWN_ID], "model": "gpt-image-2"}, "reference_image_ids[0]"),
        ({"reference_image_ids": [UNKNOWN_ID] * 2, "model": "gpt-image-2"}, "reference_image_ids"),
        ({"model": "mona-lisa"}, "model"),
        ({"format": 4}, "format"),
        ({"format": 99}, "format"),
        ({"priority": 99}, "priority"),
        ({"cache": 99}, "cache"),
        ({"wait_for": {"seconds": 601}}, "wait_for"),
        ({"wait_for": {"seconds": -1}}, "wait_for"),
    ],
    ids=str,
)
async def test_a_field_that_breaks_its_rule_is_named(
    running: Service, kind: Any, fields: dict[str, Any], wrong: str
) -> None:
    error = await refusal(running.generate(kind(**fields)))
    assert error.code is INVALID
    assert error.fields[0] == wrong


async def test_a_model_takes_only_so_many_references(running: Service) -> None:
    stored = (await running.generate(portrait())).image.id
    error = await refusal(running.generate(portrait(reference_image_ids=[stored], model="z-image-turbo")))
    assert (error.code, error.fields) == (INVALID, ["reference_image_ids"])


async def test_all_broken_rules_are_reported_at_once(running: Service) -> None:
    request = tactical_map(
        theme="NOT A NAME",
        size={"width": 0, "height": 100_000},
        details="x" * 3000,
        request_id="7",
        source={"id": "7"},
        features=[""],
        model="mona-lisa",
        grid={"size": 7},
        reference_image_ids=["7"],
    )
    error = await refusal(running.generate(request))
    assert (error.code, error.reason) == (INVALID, "INVALID_ARGUMENT")
    assert sorted(error.fields) == [
        "details",
        "features[0]",
        "grid.size",
        "reference_image_ids[0]",
        "request_id",
        "size.height",
        "size.width",
        "source.id",
        "theme",
    ]


async def test_all_names_that_do_not_exist_are_reported_at_once(running: Service) -> None:
    request = tactical_map(
        theme="atlantis", model="mona-lisa", grid={"color": "notacolor"}, reference_image_ids=[UNKNOWN_ID]
    )
    error = await refusal(running.generate(request))
    assert (error.code, error.reason) == (INVALID, "INVALID_ARGUMENT")
    assert sorted(error.fields) == ["grid.color", "model", "reference_image_ids[0]", "theme"]


async def test_nothing_that_was_refused_was_paid_for(running: Service) -> None:
    running.standin.reset()
    await refusal(running.generate(portrait(theme="atlantis")))
    await refusal(running.generate(portrait(details="x" * 3000)))
    assert running.standin.calls == 0


@pytest.mark.parametrize("id_", ["", "7", "not-a-uuid"])
@pytest.mark.parametrize("method", ["GetGeneration", "WaitGeneration", "CancelGeneration"])
async def test_a_malformed_generation_id_is_refused(running: Service, method: str, id_: str) -> None:
    request = getattr(pb, f"{method}Request")(generation_id=id_)
    error = await refusal(getattr(running.generations, method)(request))
    assert (error.code, error.fields) == (INVALID, ["generation_id"])


@pytest.mark.parametrize("method", ["GetGeneration", "WaitGeneration", "CancelGeneration"])
async def test_a_generation_that_does_not_exist_is_not_found(running: Service, method: str) -> None:
    request = getattr(pb, f"{method}Request")(generation_id=UNKNOWN_ID)
    error = await refusal(getattr(running.generations, method)(request))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "GENERATION_NOT_FOUND")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"generation_id": UNKNOWN_ID}, "GENERATION_NOT_FOUND"),
        ({"generation_id": "7"}, "INVALID_ARGUMENT"),
        ({"generation_id": UNKNOWN_ID, "cursor": "forged"}, "INVALID_ARGUMENT"),
        ({"generation_id": UNKNOWN_ID, "cursor": "²"}, "INVALID_ARGUMENT"),
        ({"generation_id": UNKNOWN_ID, "cursor": "9" * 65}, "INVALID_ARGUMENT"),
    ],
    ids=str,
)
async def test_a_watch_of_nothing_is_refused(running: Service, fields: dict[str, str], reason: str) -> None:
    watch = running.generations.WatchGeneration(pb.WatchGenerationRequest(**fields))
    assert (await refused_stream(watch)).reason == reason


async def test_without_a_key_it_says_what_to_do(tmp_path: Path) -> None:
    async with service(tmp_path, getimg_api_key="") as it:
        for kind in KINDS:
            error = await refusal(it.generate(kind()))
            assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "GETIMG_NOT_CONFIGURED")
            assert "GETIMG_API_KEY" in error.message
        error = await refusal(it.generations.ListModels(pb.ListModelsRequest()))
        assert error.reason == "GETIMG_NOT_CONFIGURED"
        status = await it.status.GetStatus(status_service_pb2.GetStatusRequest())
        assert status.status == status_service_pb2.HEALTH_STATUS_DEGRADED
        assert "GETIMG_API_KEY" in status.dependencies.getimg_api.message


# What is answered


@every_kind
async def test_a_request_of_each_kind_is_drawn_and_stored(running: Service, kind: Any) -> None:
    generation = await running.generate(kind(details=str(uuid.uuid4())))
    assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED
    assert (generation.cost.amount, generation.cost.currency) == (PRICE, "USD")
    assert len(await running.read(generation.image.id)) == generation.image.content.byte_size


async def test_only_checking_a_request_tells_its_cost_and_pays_nothing(running: Service) -> None:
    running.standin.reset()
    preview = await running.generate(portrait(details=str(uuid.uuid4()), validate_only=True))
    assert (preview.id, preview.state) == ("", GenerationState.GENERATION_STATE_UNSPECIFIED)
    assert (preview.cost.amount, preview.model) == (PRICE, "z-image-turbo")
    assert running.standin.calls == 0


async def test_the_same_request_id_with_other_content_is_refused(running: Service) -> None:
    request_id = str(uuid.uuid4())
    first = await running.generate(portrait(request_id=request_id))
    assert (await running.generate(portrait(request_id=request_id))).id == first.id
    error = await refusal(running.generate(portrait(request_id=request_id, details="other")))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    error = await refusal(running.generate(item(request_id=request_id)))
    assert error.reason == "REQUEST_ID_REUSED"


# Lists


async def pages_of(call: Any, kind: Any, field: str, size: int) -> list[list[Any]]:
    pages: list[list[Any]] = []
    token = ""
    while not pages or token:
        response = await call(kind(page_size=size, page_token=token))
        pages.append(list(getattr(response, field)))
        token = response.next_page_token
    return pages


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_all_models_are_listed_page_by_page(running: Service, size: int) -> None:
    pages = await pages_of(running.generations.ListModels, pb.ListModelsRequest, "models", size)
    assert [model.id for page in pages for model in page] == list(MODELS)
    assert all(len(page) <= size for page in pages)


@pytest.mark.parametrize("size", [1, 4, 6, 100])
async def test_all_themes_are_listed_page_by_page(running: Service, size: int) -> None:
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
        found = await running.themes.GetTheme(theme_service_pb2.GetThemeRequest(theme=theme.name))
        assert found.theme == theme


async def test_an_unknown_theme_is_not_found(running: Service) -> None:
    error = await refusal(running.themes.GetTheme(theme_service_pb2.GetThemeRequest(theme="atlantis")))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "INVALID_THEME")


@pytest.mark.parametrize("token", ["forged", "AAAA", "ÿ", "YXQ6MA==", "YXQ6LTE=", "YXQ6OTk5", "x" * 512])
async def test_a_forged_page_token_is_refused_by_every_list(running: Service, token: str) -> None:
    for call in (
        running.generations.ListModels(pb.ListModelsRequest(page_token=token)),
        running.generations.ListGenerations(pb.ListGenerationsRequest(page_token=token)),
        running.themes.ListThemes(theme_service_pb2.ListThemesRequest(page_token=token)),
    ):
        error = await refusal(call)
        assert (error.code, error.reason, error.fields) == (INVALID, "INVALID_ARGUMENT", ["page_token"])


async def test_the_page_token_of_one_list_is_refused_by_another(running: Service) -> None:
    of_models = (await running.generations.ListModels(pb.ListModelsRequest(page_size=1))).next_page_token
    for call in (
        running.themes.ListThemes(theme_service_pb2.ListThemesRequest(page_token=of_models)),
        running.generations.ListGenerations(pb.ListGenerationsRequest(page_token=of_models)),
    ):
        error = await refusal(call)
        assert (error.code, error.reason, error.fields) == (INVALID, "INVALID_ARGUMENT", ["page_token"])


async def test_a_negative_page_size_is_refused_and_too_large_a_one_lowered(running: Service) -> None:
    for call, kind in (
        (running.generations.ListModels, pb.ListModelsRequest),
        (running.generations.ListGenerations, pb.ListGenerationsRequest),
        (running.themes.ListThemes, theme_service_pb2.ListThemesRequest),
    ):
        error = await refusal(call(kind(page_size=-1)))
        assert (error.code, error.fields) == (INVALID, ["page_size"])
        assert await call(kind(page_size=2**31 - 1))


async def test_generations_are_listed_the_newest_first(running: Service) -> None:
    source_id = str(uuid.uuid4())
    created = [
        (await running.generate(portrait(details=text, source={"id": source_id}))).id
        for text in ("first", "second", "third")
    ]
    listed = await running.generations.ListGenerations(pb.ListGenerationsRequest(source_id=source_id))
    assert [generation.id for generation in listed.generations] == created[::-1]
    none = pb.ListGenerationsRequest(source_id=source_id, state=GenerationState.GENERATION_STATE_FAILED)
    assert not (await running.generations.ListGenerations(none)).generations


# Status


async def test_the_status_names_every_dependency_and_counts(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        await it.generate(portrait())
        await it.read((await it.generate(portrait())).image.id)
        status = status_service_pb2.GetStatusResponse()

        async def counted() -> bool:  # a caller may know that it has ended before the step has returned
            nonlocal status
            status = await it.status.GetStatus(status_service_pb2.GetStatusRequest())
            return (status.metrics.images_generated, status.metrics.generation_queue) == (1, 0)

        await eventually(counted, "one picture is counted, and none is under way")
    healthy = status_service_pb2.HEALTH_STATUS_HEALTHY
    assert status.status == healthy
    assert status.version
    dependencies = {field.name: value for field, value in status.dependencies.ListFields()}
    assert sorted(dependencies) == ["cache", "getimg_api", "message_hub", "storage_service"]
    assert {each.status for each in dependencies.values()} == {healthy}
    assert status.metrics.error_rate == 0
    assert 0 < status.metrics.cache_hit_rate <= 1
