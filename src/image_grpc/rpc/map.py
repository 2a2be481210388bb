"""MapService."""

from tabletop.image.v1 import map_service_pb2 as pb
from tabletop.image.v1.map_service_pb2_grpc import MapServiceServicer

from image_grpc.images import MapEditor, MapVision
from image_grpc.rpc import Context


class MapServicer(MapServiceServicer):
    """The rules of maps. Requests are valid by the contract's rules."""

    def __init__(self, editor: MapEditor, vision: MapVision) -> None:
        self._editor, self._vision = editor, vision

    async def UpdateMap(self, request: pb.UpdateMapRequest, context: Context) -> pb.UpdateMapResponse:
        return pb.UpdateMapResponse(image=await self._editor.update(request))

    async def SetDoorState(self, request: pb.SetDoorStateRequest, context: Context) -> pb.SetDoorStateResponse:
        return pb.SetDoorStateResponse(image=await self._editor.set_door_state(request))

    async def ComputeVision(self, request: pb.ComputeVisionRequest, context: Context) -> pb.ComputeVisionResponse:
        return await self._vision.compute(request)
