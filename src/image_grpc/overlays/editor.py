"""Changes of overlays. Each publishes `overlay_updated`."""

from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.v1.overlay_pb2 import CampaignOverlay, Overlay, TacticalOverlay
from tabletop.image.v1.overlay_service_pb2 import (
    CreateCampaignOverlayRequest,
    CreateTacticalOverlayRequest,
    DeleteOverlayRequest,
    OverlayChanges,
    UpdateOverlayRequest,
)

from image_grpc import events
from image_grpc.errors import OverlayNotFound, VersionConflict
from image_grpc.maps.coverage import Coverage
from image_grpc.messages import oneof_field
from image_grpc.overlays.elements import apply_changes, elements_of, put_elements
from image_grpc.overlays.limits import OverlayLimits
from image_grpc.storage import RecordNotFound, Storage

CreateRequest = CreateTacticalOverlayRequest | CreateCampaignOverlayRequest


class OverlayEditor:
    """Creates, updates and deletes overlays."""

    def __init__(self, storage: Storage, coverage: Coverage) -> None:
        self._storage, self._coverage = storage, coverage
        self._limits = OverlayLimits(storage, coverage)

    async def create_tactical(self, request: CreateTacticalOverlayRequest) -> Overlay:
        """Create an overlay on a tactical map and return it with its coverage.

        Raises ImageNotFound, OverlayMapMismatch, OverlayLimitExceeded, InvalidArgument, RequestIdReused.
        """
        overlay = Overlay(tactical=TacticalOverlay(elements=request.elements))
        return await self._create(request, overlay, OverlayChanges(put_tactical_elements=request.elements))

    async def create_campaign(self, request: CreateCampaignOverlayRequest) -> Overlay:
        """Create an overlay on a campaign map and return it. Raises as `create_tactical` does."""
        overlay = Overlay(campaign=CampaignOverlay(elements=request.elements))
        return await self._create(request, overlay, OverlayChanges(put_campaign_elements=request.elements))

    async def update(self, request: UpdateOverlayRequest) -> Overlay:
        """Change an overlay and return it with its coverage. Changes without an effect create no version.

        Raises OverlayNotFound, VersionConflict, and what `create_tactical` raises.
        """
        latest = await self._storage.overlays.get_latest(request.overlay_id)
        if latest is None:
            raise OverlayNotFound.with_id(request.overlay_id)
        map_ = await self._storage.images.require(latest.map_id)
        changed = apply_changes(latest, request.changes)
        # With a request_id this may be a repetition, which the Storage Service recognizes.
        if not request.request_id and latest.version != request.version:
            raise VersionConflict(f"the overlay is at version {latest.version}, not {request.version}")
        path = f"changes.put_{oneof_field(changed, 'content')}_elements"
        await self._limits.check(changed, map_, path, put_elements(request.changes))
        unit = self._storage.unit_for("update overlay", request)
        if changed != latest or latest.version != request.version:
            unit.update(self._storage.overlays, changed, request.version)
            unit.publish(_event(changed, request.changes, unit.id))
        # Even without an effect: the same request_id must not have one later.
        stored = (await unit.commit()).find(self._storage.overlays) or latest
        return await self._coverage.with_coverage(stored, map_)

    async def delete(self, request: DeleteOverlayRequest) -> None:
        """Delete an overlay. Raises OverlayNotFound, VersionConflict, RequestIdReused."""
        if await self._storage.overlays.belongs_to_others(request.overlay_id):
            raise OverlayNotFound.with_id(request.overlay_id)
        unit = self._storage.unit_for("delete overlay", request)
        overlay = await self._storage.overlays.get_latest(request.overlay_id)
        if overlay is not None:
            removed = OverlayChanges(remove_element_ids=[element.id for element in elements_of(overlay)])
            unit.publish(_event(overlay, removed, unit.id))
        map_id = overlay.map_id if overlay is not None else ""
        unit.delete(self._storage.overlays, request.overlay_id, request.version, image_id=map_id)
        try:
            await unit.commit()
        except RecordNotFound as missing:
            raise OverlayNotFound.with_id(request.overlay_id) from missing

    async def _create(self, request: CreateRequest, overlay: Overlay, changes: OverlayChanges) -> Overlay:
        map_ = await self._storage.images.require(request.map_id)
        unit = self._storage.unit_for("create overlay", request)
        overlay.id, overlay.map_id = unit.new_id("overlay"), request.map_id
        overlay.name, overlay.z_index, overlay.visible = request.name, request.z_index, True
        overlay.visibility = changes.visibility = request.visibility
        await self._limits.check(overlay, map_, "elements", elements_of(overlay))
        await self._limits.check_count(overlay)
        unit.create(self._storage.overlays, overlay)
        unit.publish(_event(overlay, changes, unit.id))
        stored = (await unit.commit()).of(self._storage.overlays)
        return await self._coverage.with_coverage(stored, map_)


def _event(overlay: Overlay, changes: OverlayChanges, cause: str) -> OutboundMessage:
    return events.overlay_updated(overlay.map_id, overlay.id, changes, events.Origin(cause=cause))
