"""ThemeService, over a real channel, and generations that use its themes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1 import theme_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.image.v1.theme_pb2 import Theme

from image_grpc.messages import clone
from image_grpc.themes import built_in_themes
from tests.service import Service, item, new_id, portrait, service
from tests.statuses import CallStatus, failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("themes")) as it:
        yield it


def new_name() -> str:
    return f"noir_{new_id().replace('-', '')}"


def a_theme(**fields: Any) -> Theme:
    elements = {"clothing": "trench coats and fedoras", "lighting": "venetian blinds"}
    return Theme(**{"name": new_name(), "display_name": "Film noir", "elements": elements, **fields})


async def create(running: Service, theme: Theme, request_id: str = "") -> Theme:
    request = pb.CreateThemeRequest(theme=theme, request_id=request_id)
    return (await running.themes.CreateTheme(request)).theme


async def update(running: Service, theme: Theme, request_id: str = "") -> Theme:
    request = pb.UpdateThemeRequest(theme=theme, request_id=request_id)
    return (await running.themes.UpdateTheme(request)).theme


async def delete(running: Service, name: str, version: int = 0, request_id: str = "") -> None:
    await running.themes.DeleteTheme(pb.DeleteThemeRequest(theme=name, version=version, request_id=request_id))


async def get(running: Service, name: str) -> Theme:
    return (await running.themes.GetTheme(pb.GetThemeRequest(theme=name))).theme


def changed(theme: Theme, **fields: Any) -> Theme:
    copy = clone(theme)
    copy.MergeFrom(Theme(**fields))
    return copy


def is_taken(error: CallStatus) -> bool:
    return (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "THEME_ERROR")


def is_unknown(error: CallStatus) -> bool:
    return (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "INVALID_THEME")


def is_conflict(error: CallStatus) -> bool:
    return (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")


def is_reused(error: CallStatus) -> bool:
    return (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


# Create, get, list


async def test_a_new_theme_has_the_input_fields_of_its_request(running: Service) -> None:
    theme = a_theme(description="Rain and regret.", built_in=True, version=7)
    created = await create(running, theme)
    assert (created.name, created.display_name, created.description) == (theme.name, "Film noir", "Rain and regret.")
    assert created.elements == theme.elements
    assert (created.built_in, created.version) == (False, 1), "output-only fields of the request are ignored"
    assert created.create_time == created.update_time != Theme().create_time
    assert await get(running, theme.name) == created
    assert is_unknown(await failed_call(get(running, new_name())))


@pytest.mark.parametrize("name", ["", "Noir", "film noir", "noir-2", "x" * 65, "nöir"])
async def test_an_invalid_name_is_rejected(running: Service, name: str) -> None:
    error = await failed_call(create(running, Theme(name=name)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["theme.name"])


async def test_only_one_theme_can_have_a_name(running: Service) -> None:
    theme = a_theme()
    results: list[Any] = await asyncio.gather(*(create(running, theme) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(response, Theme) for response in results) == 1
    assert is_taken(await failed_call(create(running, theme)))
    assert is_taken(await failed_call(create(running, Theme(name="fantasy"))))
    assert (await get(running, theme.name)).version == 1


async def test_built_in_themes_are_listed_before_the_others_each_by_name(running: Service) -> None:
    names = sorted([(await create(running, a_theme())).name for _ in range(3)])
    listed, token = [], ""
    while not listed or token:
        page = await running.themes.ListThemes(pb.ListThemesRequest(page_size=4, page_token=token))
        listed += page.themes
        token = page.next_page_token
    assert [theme.name for theme in listed[:6]] == list(built_in_themes())
    assert [theme.built_in for theme in listed[:6]] == [True] * 6
    custom = [theme.name for theme in listed[6:]]
    assert custom == sorted(custom)
    assert set(names) <= set(custom)
    assert len(custom) == len(set(custom))


# Update


async def test_an_update_replaces_the_whole_theme(running: Service) -> None:
    created = await create(running, a_theme(description="Rain and regret."))
    newer = await update(running, Theme(name=created.name, display_name="Neo-noir", version=1))
    assert (newer.display_name, newer.description, newer.version) == ("Neo-noir", "", 2)
    assert not newer.elements.clothing
    assert newer.create_time == created.create_time
    assert await get(running, created.name) == newer


@pytest.mark.parametrize("named", [False, True], ids=["without request_id", "with request_id"])
async def test_a_stale_missing_or_deleted_theme_cannot_be_updated(running: Service, named: bool) -> None:
    def id_() -> str:
        return new_id() if named else ""

    created = await create(running, a_theme())
    newer = await update(running, changed(created, description="new"))
    assert is_conflict(await failed_call(update(running, changed(created, description="rejected"), id_())))
    error = await failed_call(update(running, Theme(name=created.name), id_()))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["theme.version"])
    assert await get(running, created.name) == newer
    assert is_unknown(await failed_call(update(running, a_theme(version=1), id_())))
    await delete(running, created.name)
    assert is_unknown(await failed_call(update(running, newer, id_())))


async def test_one_of_two_concurrent_updates_succeeds(running: Service) -> None:
    created = await create(running, a_theme())
    results: list[Any] = await asyncio.gather(
        *(update(running, changed(created, description=text)) for text in ("first", "second")), return_exceptions=True
    )
    [stored] = [response for response in results if isinstance(response, Theme)]
    assert await get(running, created.name) == stored


# Delete


async def test_a_deleted_theme_is_not_found_and_its_name_can_be_reused(running: Service) -> None:
    created = await create(running, a_theme())
    assert is_conflict(await failed_call(delete(running, created.name, version=7)))
    await delete(running, created.name, version=1)
    assert is_unknown(await failed_call(get(running, created.name)))
    assert is_unknown(await failed_call(delete(running, created.name)))
    assert is_unknown(await failed_call(delete(running, new_name())))
    error = await failed_call(running.generate(portrait(theme=created.name)))
    assert (error.reason, error.fields) == ("INVALID_THEME", ["theme"])
    recreated = await create(running, a_theme(name=created.name, display_name="Neo-noir"))
    assert (recreated.display_name, recreated.version) == ("Neo-noir", 2)
    assert await get(running, created.name) == recreated
    assert is_taken(await failed_call(create(running, created)))


async def test_a_theme_in_use_cannot_be_deleted(running: Service) -> None:
    theme = await create(running, a_theme())
    first = (await running.generate(portrait(theme=theme.name))).image
    error = await failed_call(delete(running, theme.name))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "THEME_ERROR")
    assert "1 image uses" in error.message
    second = (await running.generate(item(theme=theme.name))).image
    error = await failed_call(delete(running, theme.name))
    assert "2 images use" in error.message
    assert (error.metadata["images"], error.metadata["theme"]) == ("2", theme.name)
    for image in (first, second):
        await running.images.DeleteImage(DeleteImageRequest(image_id=image.id))
    await delete(running, theme.name)


async def test_built_in_themes_cannot_be_changed_or_deleted(running: Service) -> None:
    for name in built_in_themes():
        for call in (update(running, Theme(name=name, version=1)), delete(running, name)):
            error = await failed_call(call)
            assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "THEME_ERROR")
    assert await get(running, "fantasy") == built_in_themes()["fantasy"]


# Repeated requests


async def test_a_repeated_request_id_returns_the_first_response(running: Service) -> None:
    theme, creation = a_theme(), new_id()
    results = await asyncio.gather(*(create(running, theme, creation) for _ in range(3)))
    created = results[0]
    assert all(response == created for response in results)
    change = new_id()
    newer = await update(running, changed(created, description="new"), change)
    await update(running, changed(newer, display_name="by another caller"))
    assert await update(running, changed(created, description="new"), change) == newer
    assert await update(running, changed(created, description="new", version=3), change) == newer
    assert (await get(running, created.name)).version == 3
    deletion = new_id()
    await delete(running, created.name, 3, deletion)
    await delete(running, created.name, 3, deletion)
    assert await create(running, theme, creation) == created
    assert is_unknown(await failed_call(get(running, created.name)))


async def test_a_request_id_with_other_content_is_rejected(running: Service) -> None:
    request_id = new_id()
    created = await create(running, a_theme(), request_id)
    assert is_reused(await failed_call(create(running, a_theme(), request_id)))
    await update(running, changed(created, description="new"), request_id)
    assert is_reused(await failed_call(update(running, changed(created, description="other"), request_id)))
    other = await create(running, a_theme())
    await delete(running, created.name, request_id=request_id)
    assert is_reused(await failed_call(delete(running, other.name, request_id=request_id)))
    assert await get(running, other.name) == other


# Images that use a theme


async def test_an_image_keeps_the_version_of_the_theme_it_was_generated_with(running: Service) -> None:
    theme = await create(running, a_theme())
    request = portrait(theme=theme.name)
    old: Image = (await running.generate(request)).image
    prompt = str(running.standin.prompts[-1]["prompt"])
    for text in ("Film noir", "trench coats and fedoras", "venetian blinds"):
        assert text in prompt
    association = old.metadata.theme_association
    assert (association.theme, association.theme_version, association.strength) == (theme.name, 1, 1.0)

    elements = {"clothing": "white suits"}
    await update(running, Theme(name=theme.name, display_name="Miami", elements=elements, version=1))
    new = (await running.generate(request)).image
    assert new.id != old.id, "an image of another version of the theme is not reused"
    assert "white suits" in str(running.standin.prompts[-1]["prompt"])
    assert new.metadata.theme_association.theme_version == 2
    assert await running.get_image(old.id) == old


async def test_an_uploaded_image_has_the_current_version_of_its_theme(running: Service) -> None:
    theme = await create(running, a_theme())
    await update(running, theme)
    association = (await running.upload(theme=theme.name)).metadata.theme_association
    assert (association.theme, association.theme_version, association.strength) == (theme.name, 2, 1.0)
