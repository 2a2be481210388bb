"""What viewers see on maps."""

from tabletop.image.v1.map_service_pb2 import ComputeVisionRequest, ComputeVisionResponse

from image_grpc.errors import InvalidArgument
from image_grpc.images.tactical_maps import require_tactical_map
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
        image = await require_tactical_map(self._storage, request.map_id, request.version)
        if violations := duplicate_viewers(request.viewers):
            raise InvalidArgument.of(violations)

        def compute() -> ComputeVisionResponse:
            check_work(image, request.viewers, request.ambient_light)
            return compute_vision(image, request)

        return await GEOMETRY.run(compute)
