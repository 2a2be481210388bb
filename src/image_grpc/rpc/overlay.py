"""OverlayService."""

from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceServicer

from image_grpc.overlays import OverlayEditor, OverlayReader
from image_grpc.rpc import Context


class OverlayServicer(OverlayServiceServicer):
    """Overlays of maps. Requests are valid by the contract's rules."""

    def __init__(self, reader: OverlayReader, editor: OverlayEditor) -> None:
        self._reader, self._editor = reader, editor

    async def CreateTacticalOverlay(
        self, request: pb.CreateTacticalOverlayRequest, context: Context
    ) -> pb.CreateTacticalOverlayResponse:
        return pb.CreateTacticalOverlayResponse(overlay=await self._editor.create_tactical(request))

    async def CreateCampaignOverlay(
        self, request: pb.CreateCampaignOverlayRequest, context: Context
    ) -> pb.CreateCampaignOverlayResponse:
        return pb.CreateCampaignOverlayResponse(overlay=await self._editor.create_campaign(request))

    async def GetOverlay(self, request: pb.GetOverlayRequest, context: Context) -> pb.GetOverlayResponse:
        return pb.GetOverlayResponse(overlay=await self._reader.get(request.overlay_id))

    async def ListOverlays(self, request: pb.ListOverlaysRequest, context: Context) -> pb.ListOverlaysResponse:
        return await self._reader.list(request)

    async def UpdateOverlay(self, request: pb.UpdateOverlayRequest, context: Context) -> pb.UpdateOverlayResponse:
        return pb.UpdateOverlayResponse(overlay=await self._editor.update(request))

    async def DeleteOverlay(self, request: pb.DeleteOverlayRequest, context: Context) -> pb.DeleteOverlayResponse:
        await self._editor.delete(request)
        return pb.DeleteOverlayResponse()

    async def RenderOverlay(self, request: pb.RenderOverlayRequest, context: Context) -> pb.RenderOverlayResponse:
        return await self._reader.render(request)
