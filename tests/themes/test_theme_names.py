"""Names of themes that ThemeEditor protects, reserves and releases, with a fake Storage Service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, DeleteThemeRequest, UpdateThemeRequest

from image_grpc.errors import InvalidArgument, ThemeExists, ThemeInUse, ThemeNotEditable, ThemeNotFound
from image_grpc.storage.codecs import IMAGES, THEMES
from image_grpc.themes import ThemeEditor, built_in_themes
from image_grpc_testkit.contracts.records import a_theme, an_image
from tests.storage.fake_service import Bench, storage_bench

every_built_in_name = pytest.mark.parametrize("name", built_in_themes())


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with storage_bench() as bench:
        yield bench


@pytest.fixture
def editor(bench: Bench) -> ThemeEditor:
    return ThemeEditor(bench.storage)


@every_built_in_name
async def test_the_name_of_a_built_in_theme_is_reserved(bench: Bench, editor: ThemeEditor, name: str) -> None:
    with pytest.raises(ThemeExists, match="is built in"):
        await editor.create(CreateThemeRequest(theme=Theme(name=name)))
    assert bench.service.requests == []


@every_built_in_name
async def test_a_built_in_theme_cannot_be_changed_or_deleted(bench: Bench, editor: ThemeEditor, name: str) -> None:
    with pytest.raises(ThemeNotEditable):
        await editor.update(UpdateThemeRequest(theme=Theme(name=name, version=1)))
    with pytest.raises(ThemeNotEditable):
        await editor.delete(DeleteThemeRequest(theme=name))
    assert bench.service.requests == []


async def test_an_existing_name_cannot_be_used_again(bench: Bench, editor: ThemeEditor) -> None:
    existing = bench.service.put(THEMES, a_theme())
    with pytest.raises(ThemeExists, match="exists already"):
        await editor.create(CreateThemeRequest(theme=a_theme(name=existing.name)))
    assert await bench.storage.themes.get_latest(existing.name) == existing


async def test_the_name_of_a_deleted_theme_can_be_used_again(bench: Bench, editor: ThemeEditor) -> None:
    deleted = bench.service.put(THEMES, a_theme())
    await editor.delete(DeleteThemeRequest(theme=deleted.name))
    theme = await editor.create(CreateThemeRequest(theme=Theme(name=deleted.name, display_name="Neo-noir")))
    assert (theme.name, theme.display_name, theme.version) == (deleted.name, "Neo-noir", 2)
    assert await bench.storage.themes.get_latest(deleted.name) == theme


async def test_an_update_requires_a_version_and_an_existing_theme(bench: Bench, editor: ThemeEditor) -> None:
    with pytest.raises(InvalidArgument) as error:
        await editor.update(UpdateThemeRequest(theme=a_theme()))
    assert [violation.field for violation in error.value.violations] == ["theme.version"]
    with pytest.raises(ThemeNotFound):
        await editor.update(UpdateThemeRequest(theme=a_theme(version=1)))


async def test_a_theme_in_use_cannot_be_deleted(bench: Bench, editor: ThemeEditor) -> None:
    theme = bench.service.put(THEMES, a_theme())
    image = bench.service.put(IMAGES, an_image(theme=theme.name))
    with pytest.raises(ThemeInUse, match="1 image uses") as error:
        await editor.delete(DeleteThemeRequest(theme=theme.name))
    assert error.value.metadata == {"images": "1", "theme": theme.name}
    bench.service.delete(IMAGES, image.id)
    await editor.delete(DeleteThemeRequest(theme=theme.name))
    assert await bench.storage.themes.get_latest(theme.name) is None
