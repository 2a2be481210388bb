"""Changes of maps that need no new picture. Each publishes `map_updated`."""

import asyncio
from weakref import WeakValueDictionary

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_service_pb2 import DoorStateChange, MapChanges, SetDoorStateRequest, UpdateMapRequest
from tabletop.image.v1.types_pb2 import ImageType

from image_grpc import events
from image_grpc.errors import DoorNotFound, ImageNotFound, InvalidArgument, MapMismatch, VersionConflict, Violation
from image_grpc.generation.kinds import kind_of_subtype
from image_grpc.maps.properties import MapChange, complete, is_door
from image_grpc.messages import clone
from image_grpc.retry import MAX_CONFLICT_RETRIES, Backoff
from image_grpc.storage import Storage, UnitOfWork

PAUSES = Backoff(initial=0.005, maximum=0.1, jitter=0.03)
"""Between attempts to change a map while other processes change it as well."""
_MAP_FIELDS = dict.fromkeys(("remove_wall_ids", "put_walls", "door_states"), "walls")
_MAP_FIELDS |= dict.fromkeys(("remove_light_ids", "put_lights"), "lights")
_MAP_FIELDS |= dict.fromkeys(("remove_stairs_ids", "put_stairs"), "stairs")
"""The field of MapProperties that a change concerns; others have the same name."""


class MapEditor:
    """Creates new versions of maps with the same picture."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def update(self, request: UpdateMapRequest) -> Image:
        """Change a map and return it. Changes without an effect create no version.

        Raises ImageNotFound, MapMismatch, InvalidArgument, VersionConflict, RequestIdReused.
        """
        latest = await self._latest(request.map_id)
        _require_fields(latest, request.changes)
        # With a request_id this may be a repetition, which the Storage Service recognizes.
        if not request.request_id and latest.version != request.version:
            raise _conflict(latest, request.version)
        unit = self._storage.unit_for("update map", request)
        return await self._commit(unit, latest, request.changes, request.version)

    async def set_door_state(self, request: SetDoorStateRequest) -> Image:
        """Open, close or lock a door and return the map. Raises DoorNotFound, and what `update` raises."""
        lock = self._locks.setdefault(request.map_id, asyncio.Lock())
        async with lock:  # doors of a map may be set at once: they would conflict
            return await self._set_door_state(request)

    async def _set_door_state(self, request: SetDoorStateRequest) -> Image:
        change = DoorStateChange(door_id=request.door_id, state=request.state)
        for attempt in range(MAX_CONFLICT_RETRIES + 1):
            latest = await self._latest(request.map_id)
            changes = MapChanges(door_states=[change])
            _require_fields(latest, changes)
            if not any(is_door(wall) and wall.id == request.door_id for wall in latest.map.walls):
                raise DoorNotFound(f"map {latest.id} has no door {request.door_id!r}", metadata={"map_id": latest.id})
            if not request.request_id and request.version not in (0, latest.version):
                raise _conflict(latest, request.version)
            try:
                unit = self._storage.unit_for("set door state", request)
                return await self._commit(unit, latest, changes, request.version or latest.version)
            except VersionConflict:
                if request.version or attempt == MAX_CONFLICT_RETRIES:
                    raise
                await asyncio.sleep(PAUSES.delay(attempt + 1))
        raise AssertionError("the last attempt returns or raises")

    async def _latest(self, id_: str) -> Image:
        image = await self._storage.images.get_latest(id_)
        if image is None:
            raise ImageNotFound.with_id(id_)
        if image.HasField("map"):
            complete(image.map)  # of an older version of this service
        return image

    async def _commit(self, unit: UnitOfWork, latest: Image, changes: MapChanges, version: int) -> Image:
        change = MapChange(latest.map, changes, "changes")
        if change.violations:
            raise InvalidArgument.of(change.violations)
        if change.properties != latest.map or latest.version != version:
            changed = clone(latest)
            changed.map.CopyFrom(change.properties)
            changed.storage_correlation_id = unit.id
            unit.update(self._storage.images, changed, version)
            origin = events.Origin(cause=unit.id)
            unit.publish(events.map_updated(latest.id, version + 1, change.applied, origin))
        # Even without an effect: the same request_id must not have one later.
        stored = (await unit.commit()).find(self._storage.images) or latest
        return await self._storage.images.with_overlay_ids(stored)


def _require_fields(image: Image, changes: MapChanges) -> None:
    """Raise MapMismatch for an image that is no map, and InvalidArgument for changes of maps of another kind."""
    if image.type != ImageType.IMAGE_TYPE_MAP:
        raise MapMismatch(f"image {image.id} is not a map", metadata={"map_id": image.id})
    allowed = kind_of_subtype(image.subtype).map_fields
    violations = [
        Violation(f"changes.{field.name}", "does not apply to this kind of map")
        for field, _ in changes.ListFields()
        if _MAP_FIELDS.get(field.name, field.name) not in allowed
    ]
    if violations:
        raise InvalidArgument.of(violations)


def _conflict(image: Image, version: int) -> VersionConflict:
    return VersionConflict(f"the map is at version {image.version}, not {version}")
