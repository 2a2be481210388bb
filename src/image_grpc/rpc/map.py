"""MapService."""

from collections.abc import AsyncIterator

from tabletop.image.v1 import map_service_pb2 as pb
from tabletop.image.v1.map_service_pb2_grpc import MapServiceServicer

from image_grpc.fair_slots import FairSlots
from image_grpc.images import MapEditor, MapLevels, MapVision, SceneExporter
from image_grpc.images.content import CHUNK_BYTES
from image_grpc.rpc import Context
from image_grpc.rpc.admission import transfer_slot

MAX_EXPORTS = 6
"""Exports at once: each holds the whole file until its reader has it, some 100 MB for the largest maps."""


class MapServicer(MapServiceServicer):
    """The rules of maps. Requests are valid by the contract's rules."""

    def __init__(self, editor: MapEditor, levels: MapLevels, vision: MapVision, exporter: SceneExporter) -> None:
        self._editor, self._levels, self._vision, self._exporter = editor, levels, vision, exporter
        self._exports = FairSlots(MAX_EXPORTS)

    async def UpdateMap(self, request: pb.UpdateMapRequest, context: Context) -> pb.UpdateMapResponse:
        return pb.UpdateMapResponse(image=await self._editor.update(request))

    async def SetDoorState(self, request: pb.SetDoorStateRequest, context: Context) -> pb.SetDoorStateResponse:
        return pb.SetDoorStateResponse(image=await self._editor.set_door_state(request))

    async def ConnectStairs(self, request: pb.ConnectStairsRequest, context: Context) -> pb.ConnectStairsResponse:
        return await self._levels.connect(request)

    async def ComputeVision(self, request: pb.ComputeVisionRequest, context: Context) -> pb.ComputeVisionResponse:
        return await self._vision.compute(request)

    async def ExportScene(
        self, request: pb.ExportSceneRequest, context: Context
    ) -> AsyncIterator[pb.ExportSceneResponse]:
        async with transfer_slot(self._exports, "maps are being exported"):
            scene = await self._exporter.export(request)
            yield pb.ExportSceneResponse(file=scene.file)
            for start in range(0, len(scene.data), CHUNK_BYTES):
                yield pb.ExportSceneResponse(data=scene.data[start : start + CHUNK_BYTES])
