"""Levels of a place: maps that stairs connect."""

import asyncio
from collections.abc import Sequence

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
        ends = (_End(image, request.stairs_id), _End(other, request.other_stairs_id))
        links: dict[_End, _End | None] = dict(zip(ends, reversed(ends), strict=True))
        for end in ends:
            if (partner := await self._partner(end)) is not None:
                links.setdefault(partner, None)
        unit = self._storage.unit_for("connect stairs", request)
        changes: dict[str, tuple[Image, list[Stairs]]] = {}
        for end, opposite in links.items():
            linked = end.linked_to(opposite)
            if linked != end.stairs:
                changes.setdefault(end.image.id, (end.image, []))[1].append(linked)
        for changed, stairs in changes.values():
            self._add(unit, changed, stairs)
        # Even without an effect: the same request_id must not have one later.
        stored = {each.id: each for each in (await unit.commit()).all(self._storage.images)}
        images = [await self._storage.images.with_overlay_ids(stored.get(each.id, each)) for each in (image, other)]
        return ConnectStairsResponse(image=images[0], other_image=images[1])

    async def _partner(self, end: "_End") -> "_End | None":
        """Return the stairs that lead to an end so far, so that none lead to stairs that lead elsewhere."""
        stairs = end.stairs
        image = await self._storage.images.get_latest(stairs.map_id) if stairs.map_id else None
        if image is None or not any(each.id == stairs.stairs_id for each in image.map.stairs):
            return None
        partner = _End(image, stairs.stairs_id)
        leads_back = (partner.stairs.map_id, partner.stairs.stairs_id) == (end.image.id, stairs.id)
        return partner if leads_back else None

    def _add(self, unit: UnitOfWork, image: Image, stairs: Sequence[Stairs]) -> None:
        """Add the next version of a map, with changed stairs, to a unit of work."""
        changed = clone(image)
        for each in stairs:
            _End(changed, each.id).stairs.CopyFrom(each)
        changed.storage_correlation_id = unit.id
        unit.update(self._storage.images, changed, image.version)
        origin = events.Origin(cause=derived_id(unit.id, image.id))
        unit.publish(events.map_updated(image.id, image.version + 1, MapChanges(put_stairs=stairs), origin))


class _End:
    """Stairs of a map. Raises StairsNotFound if the map has none with this id."""

    def __init__(self, image: Image, stairs_id: str) -> None:
        stairs = next((each for each in image.map.stairs if each.id == stairs_id), None)
        if stairs is None:
            raise StairsNotFound(f"map {image.id} has no stairs {stairs_id!r}", metadata={"map_id": image.id})
        self.image, self.stairs = image, stairs

    def linked_to(self, other: "_End | None") -> Stairs:
        """Return the stairs leading to others, or nowhere."""
        stairs = clone(self.stairs)
        stairs.map_id, stairs.stairs_id = (other.image.id, other.stairs.id) if other is not None else ("", "")
        return stairs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _End) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str]:
        return self.image.id, self.stairs.id
