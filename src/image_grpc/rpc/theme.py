"""ThemeService."""

from __future__ import annotations

from typing import Any

from tabletop.image.v1 import theme_service_pb2 as pb
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceServicer
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.errors import (
    InvalidArgument,
    ThemeExists,
    ThemeNotFound,
    ThemeRefused,
    VersionConflict,
    Violation,
)
from image_grpc.generation import Themes, built_in
from image_grpc.rpc.operation import Operation
from image_grpc.rpc.paging import page_of
from image_grpc.storage import ImageStorageClient, ReadCache, RecordMissing


class ThemeServicer(ThemeServiceServicer):
    """Keeps the themes. Requests arrive validated."""

    def __init__(self, themes: Themes, storage: ImageStorageClient, cache: ReadCache) -> None:
        self._themes, self._storage, self._cache = themes, storage, cache

    async def ListThemes(self, request: Any, context: Any) -> pb.ListThemesResponse:
        themes, token = page_of(await self._themes.all(), request)
        return pb.ListThemesResponse(themes=themes, next_page_token=token)

    async def GetTheme(self, request: Any, context: Any) -> pb.GetThemeResponse:
        theme = await self._themes.get(request.theme)
        if theme is None:
            raise _not_found(request.theme)
        return pb.GetThemeResponse(theme=theme)

    async def CreateTheme(self, request: Any, context: Any) -> pb.CreateThemeResponse:
        name = request.theme.name
        if name in built_in():
            raise ThemeExists(f"the theme {name!r} is built in")
        # A deleted theme gives its name free; what is made anew goes on with its history.
        deleted = await self._storage.themes.retrieve(name, include_deleted=True)
        reused = deleted is not None and await self._storage.themes.retrieve(name) is None
        put = self._storage.themes.put(_given(request.theme), absent=not reused)
        operation = Operation("create theme", request)
        try:
            stored = await operation.store(self._storage, self._cache, [put])
        except VersionConflict as taken:
            raise ThemeExists(f"there is a theme {name!r} already") from taken
        return pb.CreateThemeResponse(theme=stored[0].theme)

    async def UpdateTheme(self, request: Any, context: Any) -> pb.UpdateThemeResponse:
        name, version = request.theme.name, request.theme.version
        _refuse_built_in(name)
        if version < 1:
            raise InvalidArgument.of([Violation("theme.version", "must be the version that you last saw")])
        put = self._storage.themes.put(_given(request.theme), at_version=version)
        try:
            stored = await Operation("update theme", request).store(self._storage, self._cache, [put])
        except VersionConflict as conflict:
            if await self._storage.themes.retrieve(name) is None:
                raise _not_found(name) from conflict
            raise
        return pb.UpdateThemeResponse(theme=stored[0].theme)

    async def DeleteTheme(self, request: Any, context: Any) -> pb.DeleteThemeResponse:
        _refuse_built_in(request.theme)
        count = await self._storage.images.count(ListFilter(theme=request.theme))
        if count:
            images = "1 image has" if count == 1 else f"{count} images have"
            raise ThemeRefused(
                f"{images} the theme {request.theme!r}: give them another one first",
                metadata={"images": str(count), "theme": request.theme},
            )
        key = self._storage.themes.key(request.theme, request.version)
        try:
            await Operation("delete theme", request).delete(self._storage, self._cache, key)
        except RecordMissing as missing:
            raise _not_found(request.theme) from missing
        return pb.DeleteThemeResponse()


def _given(theme: Theme) -> Theme:
    """What a caller says of a theme, without what is for output only."""
    return Theme(
        name=theme.name, display_name=theme.display_name, description=theme.description, elements=theme.elements
    )


def _refuse_built_in(name: str) -> None:
    if name in built_in():
        raise ThemeRefused(f"the theme {name!r} is built in: it cannot be changed or deleted")


def _not_found(name: str) -> ThemeNotFound:
    return ThemeNotFound(f"there is no theme {name!r}", metadata={"theme": name})
