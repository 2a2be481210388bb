"""What viewers see on maps."""

from tabletop.image.v1.map_service_pb2 import ComputeVisionRequest, ComputeVisionResponse
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc.errors import InvalidArgument, MapMismatch
from image_grpc.maps.audience import duplicate_viewers
from image_grpc.maps.vision import check_work, compute_vision
from image_grpc.storage import Storage
from image_grpc.workers import GEOMETRY


class MapVision:
    """Computes what viewers see. Nothing is stored."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def compute(self, request: ComputeVisionRequest) -> ComputeVisionResponse:
        """Return what viewers see. Raises ImageNotFound, MapMismatch, InvalidArgument, VisionLimitExceeded."""
        image = await self._storage.images.require_version(request.map_id, request.version)
        if image.subtype != ImageSubtype.IMAGE_SUBTYPE_TACTICAL:
            raise MapMismatch(f"image {image.id} is not a tactical map", metadata={"map_id": image.id})
        if violations := duplicate_viewers(request.viewers):
            raise InvalidArgument.of(violations)

        def compute() -> ComputeVisionResponse:
            check_work(image, request.viewers, request.ambient_light)
            return compute_vision(image, request)

        return await GEOMETRY.run(compute)
