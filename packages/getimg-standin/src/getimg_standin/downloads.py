"""`GET /files/…`: the signed picture URLs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from getimg_standin.connections import ClientGone, Connections, HalfResponse, unless_gone, until_gone
from getimg_standin.damage import HTML_PAGE, huge_png, other_size
from getimg_standin.errors import ApiError
from getimg_standin.faults import DOWNLOAD_FAULTS, Fault, FaultKind
from getimg_standin.gallery import Gallery
from getimg_standin.links import Links
from getimg_standin.picture import Picture
from getimg_standin.workspace import Workspace


class Downloads:
    """The endpoint behind the picture URLs; the signature is all it asks for."""

    def __init__(self, workspace: Workspace, gallery: Gallery, links: Links, connections: Connections) -> None:
        self._workspace = workspace
        self._gallery = gallery
        self._links = links
        self._connections = connections

    async def get(self, request: Request) -> Response:
        """The picture, drawn again if it is no longer remembered; or something worse if a fault wants it."""
        picture = self._links.open(request.url.path, request.query_params, self._workspace.now())
        self._workspace.downloads += 1
        fault = self._workspace.faults.take(DOWNLOAD_FAULTS)
        if fault is not None:
            return await self._fail(fault, picture, request)
        return await self._picture(picture, request)

    async def _picture(self, picture: Picture, request: Request) -> Response:
        return Response(await self._bytes_of(picture, request), media_type=picture.mime_type)

    async def _bytes_of(self, picture: Picture, request: Request) -> bytes:
        return await unless_gone(request.receive, self._gallery.bytes_of(picture))

    async def _fail(self, fault: Fault, picture: Picture, request: Request) -> Response:
        match fault.kind:
            case FaultKind.GONE:
                raise ApiError(404)
            case FaultKind.HTML:
                return HTMLResponse(HTML_PAGE)
            case FaultKind.REDIRECT:
                return RedirectResponse(fault.target or "/", status_code=302)
            case FaultKind.HUGE:
                return Response(await self._gallery.run(huge_png), media_type="image/png")
            case FaultKind.WRONG_SIZE:
                return await self._picture(other_size(picture), request)
            case FaultKind.TRUNCATED:
                data = await self._bytes_of(picture, request)
                return Response(data[: len(data) // 2], media_type=picture.mime_type)
            case FaultKind.CUT_DOWNLOAD:
                data = await self._bytes_of(picture, request)
                return HalfResponse(data, picture.mime_type, self._connections, request)
        await until_gone(request.receive)
        raise ClientGone
