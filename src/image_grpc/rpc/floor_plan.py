"""FloorPlanService."""

from collections.abc import AsyncIterator

from tabletop.image.v1 import floor_plan_service_pb2 as pb
from tabletop.image.v1.floor_plan_service_pb2_grpc import FloorPlanServiceServicer

from image_grpc.fair_slots import FairSlots
from image_grpc.images.content import CHUNK_BYTES
from image_grpc.plans.planner import FloorPlanner
from image_grpc.rpc import Context
from image_grpc.rpc.admission import transfer_slot

MAX_IMPORTS = 4
"""Imports at once: each holds the whole file, and what is made of it."""


class FloorPlanServicer(FloorPlanServiceServicer):
    """Floor plans. Requests are valid by the contract's rules."""

    def __init__(self, planner: FloorPlanner) -> None:
        self._planner, self._imports = planner, FairSlots(MAX_IMPORTS)

    async def GenerateFloorPlan(
        self, request: pb.GenerateFloorPlanRequest, context: Context
    ) -> pb.GenerateFloorPlanResponse:
        return await self._planner.generate(request)

    async def CheckFloorPlan(self, request: pb.CheckFloorPlanRequest, context: Context) -> pb.CheckFloorPlanResponse:
        return await self._planner.check(request)

    async def RenderFloorPlan(self, request: pb.RenderFloorPlanRequest, context: Context) -> pb.RenderFloorPlanResponse:
        return await self._planner.render(request)

    async def ImportFloorPlan(
        self, request_iterator: AsyncIterator[pb.ImportFloorPlanRequest], context: Context
    ) -> AsyncIterator[pb.ImportFloorPlanResponse]:
        async with transfer_slot(self._imports, "files are being imported"):
            imported = await self._planner.import_file(request_iterator)
            yield pb.ImportFloorPlanResponse(plan=imported.description)
            for start in range(0, len(imported.picture), CHUNK_BYTES):
                yield pb.ImportFloorPlanResponse(data=imported.picture[start : start + CHUNK_BYTES])
