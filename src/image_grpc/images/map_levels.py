"""Levels of a place: maps that stairs connect."""

import asyncio

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Stairs
from tabletop.image.v1.map_service_pb2 import ConnectStairsRequest, ConnectStairsResponse, MapChanges

from image_grpc import events
from image_grpc.errors import InvalidArgument, StairsNotFound, VersionConflict, Violation
from image_grpc.idempotency import derived_id
from image_grpc.images.map_editor import PAUSES
from image_grpc.images.tactical_maps import require_tactical_map
from image_grpc.messages import clone
from image_grpc.retry import MAX_CONFLICT_RETRIES
from image_grpc.storage import Storage, UnitOfWork


class MapLevels:
    """Connects maps."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def connect(self, request: ConnectStairsRequest) -> ConnectStairsResponse:
        """Let stairs of two maps lead to each other, in one transaction.

        Raises ImageNotFound, MapMismatch, StairsNotFound, InvalidArgument, VersionConflict, RequestIdReused.
        """
        if request.map_id == request.other_map_id:
            raise InvalidArgument.of([Violation("other_map_id", "must not be the map itself")])
        for attempt in range(MAX_CONFLICT_RETRIES):
            try:
                return await self._connect(request)
            except VersionConflict:
                await asyncio.sleep(PAUSES.delay(attempt + 1))
        return await self._connect(request)

    async def _connect(self, request: ConnectStairsRequest) -> ConnectStairsResponse:
        image = await require_tactical_map(self._storage, request.map_id, 0)
        other = await require_tactical_map(self._storage, request.other_map_id, 0)
        unit = self._storage.unit_for("connect stairs", request)
        self._lead(unit, image, request.stairs_id, other, request.other_stairs_id)
        self._lead(unit, other, request.other_stairs_id, image, request.stairs_id)
        # Even without an effect: the same request_id must not have one later.
        changed = {each.id: each for each in (await unit.commit()).all(self._storage.images)}
        images = [await self._storage.images.with_overlay_ids(changed.get(each.id, each)) for each in (image, other)]
        return ConnectStairsResponse(image=images[0], other_image=images[1])

    def _lead(self, unit: UnitOfWork, image: Image, stairs_id: str, other: Image, other_stairs_id: str) -> None:
        """Let stairs of a map lead to those of another one, if they do not yet."""
        connected = clone(_stairs(image, stairs_id))
        _stairs(other, other_stairs_id)
        connected.map_id, connected.stairs_id = other.id, other_stairs_id
        if connected == _stairs(image, stairs_id):
            return
        changed = clone(image)
        _stairs(changed, stairs_id).CopyFrom(connected)
        changed.storage_correlation_id = unit.id
        unit.update(self._storage.images, changed, image.version)
        origin = events.Origin(cause=derived_id(unit.id, image.id))
        unit.publish(events.map_updated(image.id, image.version + 1, MapChanges(put_stairs=[connected]), origin))


def _stairs(image: Image, id_: str) -> Stairs:
    for stairs in image.map.stairs:
        if stairs.id == id_:
            return stairs
    raise StairsNotFound(f"map {image.id} has no stairs {id_!r}", metadata={"map_id": image.id})
