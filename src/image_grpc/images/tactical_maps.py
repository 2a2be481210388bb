"""Tactical maps, for reading."""

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc.errors import MapMismatch
from image_grpc.storage import Storage


async def require_tactical_map(storage: Storage, id_: str, version: int) -> Image:
    """Return a version of a tactical map; 0: the current one. Raises ImageNotFound, MapMismatch."""
    image = await storage.images.require_version(id_, version)
    if image.subtype != ImageSubtype.IMAGE_SUBTYPE_TACTICAL:
        raise MapMismatch(f"image {image.id} is not a tactical map", metadata={"map_id": image.id})
    return image
