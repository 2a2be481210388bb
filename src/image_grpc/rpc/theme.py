"""ThemeService."""

from __future__ import annotations

from typing import Any

from tabletop.image.v1 import theme_service_pb2 as pb
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceServicer

from image_grpc.errors import ThemeNotFound
from image_grpc.generation import Themes, built_in
from image_grpc.rpc.paging import page_of


class ThemeServicer(ThemeServiceServicer):
    """Lists and answers themes. Requests arrive validated."""

    def __init__(self, themes: Themes) -> None:
        self._themes = themes

    async def ListThemes(self, request: Any, context: Any) -> pb.ListThemesResponse:
        themes, token = page_of(list(built_in().values()), request)
        return pb.ListThemesResponse(themes=themes, next_page_token=token)

    async def GetTheme(self, request: Any, context: Any) -> pb.GetThemeResponse:
        theme = await self._themes.get(request.theme)
        if theme is None:
            raise ThemeNotFound(f"there is no theme {request.theme!r}")
        return pb.GetThemeResponse(theme=theme)
