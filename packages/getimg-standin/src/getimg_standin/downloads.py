"""`GET /files/…`: downloads by signed picture URL."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from getimg_standin.connections import (
    ClientDisconnected,
    Connections,
    HalfResponse,
    unless_disconnected,
    until_disconnected,
)
from getimg_standin.damage import HTML_PAGE, huge_png, other_size
from getimg_standin.errors import ApiError
from getimg_standin.faults import DOWNLOAD_FAULTS, Fault, FaultKind
from getimg_standin.gallery import Gallery
from getimg_standin.links import Links
from getimg_standin.picture import Picture
from getimg_standin.workspace import Workspace


class Downloads:
    """The endpoint of the picture URLs, which requires a signature and no API key."""

    def __init__(self, workspace: Workspace, gallery: Gallery, links: Links, connections: Connections) -> None:
        self._workspace = workspace
        self._gallery = gallery
        self._links = links
        self._connections = connections

    async def get(self, request: Request) -> Response:
        """Return the picture, redrawn if it is no longer cached, or the response of a fault."""
        picture = self._links.open(request.url.path, request.query_params, self._workspace.now())
        self._workspace.downloads += 1
        fault = self._workspace.faults.take(DOWNLOAD_FAULTS)
        if fault is not None:
            return await self._fail(fault, picture, request)
        return await self._picture(picture, request)

    async def _picture(self, picture: Picture, request: Request) -> Response:
        return Response(await self._encoded(picture, request), media_type=picture.mime_type)

    async def _encoded(self, picture: Picture, request: Request) -> bytes:
        return await unless_disconnected(request.receive, self._gallery.encoded(picture))

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
                data = await self._encoded(picture, request)
                return Response(data[: len(data) // 2], media_type=picture.mime_type)
            case FaultKind.CUT_DOWNLOAD:
                data = await self._encoded(picture, request)
                return HalfResponse(data, picture.mime_type, self._connections, request)
        await until_disconnected(request.receive)
        raise ClientDisconnected
