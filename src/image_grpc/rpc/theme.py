"""ThemeService."""

from tabletop.image.v1 import theme_service_pb2 as pb
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceServicer

from image_grpc.paging import Pager
from image_grpc.rpc import Context
from image_grpc.themes import ThemeCatalog, ThemeEditor


class ThemeServicer(ThemeServiceServicer):
    """Themes. Requests are valid by the contract's rules."""

    def __init__(self, catalog: ThemeCatalog, editor: ThemeEditor) -> None:
        self._catalog, self._editor = catalog, editor

    async def ListThemes(self, request: pb.ListThemesRequest, context: Context) -> pb.ListThemesResponse:
        pager = Pager(request, await self._catalog.all())
        return pb.ListThemesResponse(themes=pager.items(), next_page_token=pager.next_page_token)

    async def GetTheme(self, request: pb.GetThemeRequest, context: Context) -> pb.GetThemeResponse:
        return pb.GetThemeResponse(theme=await self._catalog.require(request.theme))

    async def CreateTheme(self, request: pb.CreateThemeRequest, context: Context) -> pb.CreateThemeResponse:
        return pb.CreateThemeResponse(theme=await self._editor.create(request))

    async def UpdateTheme(self, request: pb.UpdateThemeRequest, context: Context) -> pb.UpdateThemeResponse:
        return pb.UpdateThemeResponse(theme=await self._editor.update(request))

    async def DeleteTheme(self, request: pb.DeleteThemeRequest, context: Context) -> pb.DeleteThemeResponse:
        await self._editor.delete(request)
        return pb.DeleteThemeResponse()
