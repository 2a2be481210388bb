"""Tactical maps as files of other programs."""

from tabletop.image.v1.map_service_pb2 import ExportSceneRequest
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc import scenes
from image_grpc.errors import MapMismatch
from image_grpc.storage import Storage
from image_grpc.workers import RENDERING


class SceneExporter:
    """Exports maps. Nothing is stored."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def export(self, request: ExportSceneRequest) -> scenes.SceneContent:
        """Return a map as a file. Raises ImageNotFound, MapMismatch, SceneLimitExceeded."""
        image = await self._storage.images.require_version(request.map_id, request.version)
        if image.subtype != ImageSubtype.IMAGE_SUBTYPE_TACTICAL:
            raise MapMismatch(f"image {image.id} is not a tactical map", metadata={"map_id": image.id})
        picture = await self._storage.blobs.read(image.content.sha256, image.content.byte_size)
        return await RENDERING.run(lambda: scenes.export(image, picture, request.format))
