"""Reading and rendering overlays."""

from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2 import (
    ListOverlaysRequest,
    ListOverlaysResponse,
    RenderOverlayRequest,
    RenderOverlayResponse,
)

from image_grpc.errors import OverlayNotFound
from image_grpc.maps.audience import audience_of
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.renditions import Renditions
from image_grpc.paging import MAX_PAGE_BYTES, Pager
from image_grpc.storage import Storage


class OverlayReader:
    """Returns overlays with the cells that they cover."""

    def __init__(self, storage: Storage, coverage: Coverage, renditions: Renditions) -> None:
        self._storage, self._coverage, self._renditions = storage, coverage, renditions

    async def get(self, id_: str) -> Overlay:
        """Return an overlay. Raises OverlayNotFound."""
        overlay = await self._require(id_)
        return await self._coverage.with_coverage(overlay, await self._storage.images.require(overlay.map_id))

    async def list(self, request: ListOverlaysRequest) -> ListOverlaysResponse:
        """Return a page of a map's overlays in drawing order. Raises ImageNotFound, InvalidArgument."""
        map_ = await self._storage.images.require(request.map_id)
        pager = Pager(request, await self._storage.overlays.of_map(request.map_id))
        response, size = ListOverlaysResponse(next_page_token=pager.next_page_token), 0
        for position, overlay in pager.page():
            presented = await self._coverage.with_coverage(overlay, map_)
            size += presented.ByteSize()
            if response.overlays and size > MAX_PAGE_BYTES:
                response.next_page_token = pager.token_at(position)
                break
            response.overlays.append(presented)
        return response

    async def render(self, request: RenderOverlayRequest) -> RenderOverlayResponse:
        """Return the SVG of one overlay, or of everything drawn over a map. Raises OverlayNotFound, ImageNotFound."""
        if request.overlay_id:
            overlay = await self._require(request.overlay_id)
            map_ = await self._storage.images.require(overlay.map_id)
            audience = audience_of(request, map_)
            if audience.is_players and not audience.overlays([overlay]):
                raise OverlayNotFound.with_id(request.overlay_id)
            svg = await self._renditions.overlay_svg(map_, overlay, audience)
        else:
            map_ = await self._storage.images.require(request.map_id)
            overlays = await self._storage.overlays.of_map(request.map_id)
            svg = await self._renditions.map_svg(map_, overlays, audience_of(request, map_))
        return RenderOverlayResponse(svg=svg, size=map_.content.size)

    async def _require(self, id_: str) -> Overlay:
        overlay = await self._storage.overlays.get(id_)
        if overlay is None:
            raise OverlayNotFound.with_id(id_)
        return overlay
