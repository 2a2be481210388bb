"""Tactical maps as files of other programs."""

from tabletop.image.v1.map_service_pb2 import ExportSceneRequest

from image_grpc import scenes
from image_grpc.images.tactical_maps import require_tactical_map
from image_grpc.pictures.credentials import PictureSigner
from image_grpc.storage import Storage
from image_grpc.workers import RENDERING


class SceneExporter:
    """Exports maps. Nothing is stored."""

    def __init__(self, storage: Storage, signer: PictureSigner) -> None:
        self._storage, self._signer = storage, signer

    async def export(self, request: ExportSceneRequest) -> scenes.SceneContent:
        """Return a map as a file. Raises ImageNotFound, MapMismatch, SceneLimitExceeded."""
        image = await require_tactical_map(self._storage, request.map_id, request.version)
        picture = await self._storage.blobs.read(image.content.sha256, image.content.byte_size)
        return await RENDERING.run(lambda: scenes.export(image, picture, request.format, self._signer))
