"""OverlayService."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence
from typing import Any

from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceServicer
from tabletop.image.v1.types_pb2 import ImageSubtype
from tabletop.storage.v1.record_pb2 import RecordKind

from image_grpc import events
from image_grpc.correlation import correlation_id
from image_grpc.errors import (
    ImageNotFound,
    InvalidArgument,
    OverlayNotFound,
    OverlayRefused,
    VersionConflict,
    Violation,
)
from image_grpc.maps.coverage import MAX_CELLS, Coverage
from image_grpc.maps.renditions import Renditions
from image_grpc.maps.validation import element_violations
from image_grpc.rpc.operation import Operation
from image_grpc.rpc.paging import page_of, token_at
from image_grpc.storage import ImageStorageClient, ReadCache, RecordMissing

IMAGE, OVERLAY = RecordKind.RECORD_KIND_IMAGE, RecordKind.RECORD_KIND_OVERLAY
MAX_ELEMENTS = 1000
MAX_OVERLAYS = 100
MAX_BYTES = 1024 * 1024
"""Largest overlay, without the cells that it covers: an answer has it whole, and the event that tells of it."""
MAX_PAGE_BYTES = 3 * 1024 * 1024
"""A page ends before an overlay that would make it larger: clients take 4 MiB by default."""

_SUBTYPES = {
    "tactical": (ImageSubtype.IMAGE_SUBTYPE_TACTICAL, "a tactical map"),
    "campaign": (ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, "a campaign map"),
}


class OverlayServicer(OverlayServiceServicer):
    """Keeps the overlays of maps and renders them. Requests arrive validated."""

    def __init__(
        self, storage: ImageStorageClient, cache: ReadCache, coverage: Coverage, renditions: Renditions
    ) -> None:
        self._storage, self._cache = storage, cache
        self._coverage, self._renditions = coverage, renditions

    async def CreateTacticalOverlay(self, request: Any, context: Any) -> pb.CreateTacticalOverlayResponse:
        overlay = _new(request)
        overlay.tactical.elements.extend(request.elements)
        overlay.tactical.SetInParent()
        changes = pb.OverlayChanges(put_tactical_elements=overlay.tactical.elements)
        return pb.CreateTacticalOverlayResponse(overlay=await self._create(request, overlay, changes))

    async def CreateCampaignOverlay(self, request: Any, context: Any) -> pb.CreateCampaignOverlayResponse:
        overlay = _new(request)
        overlay.campaign.elements.extend(request.elements)
        overlay.campaign.SetInParent()
        changes = pb.OverlayChanges(put_campaign_elements=request.elements)
        return pb.CreateCampaignOverlayResponse(overlay=await self._create(request, overlay, changes))

    async def GetOverlay(self, request: Any, context: Any) -> pb.GetOverlayResponse:
        overlay = await self._overlay(request.overlay_id)
        return pb.GetOverlayResponse(overlay=await self._seen(overlay, await self._map(overlay.map_id)))

    async def ListOverlays(self, request: Any, context: Any) -> pb.ListOverlaysResponse:
        map_ = await self._map(request.map_id)
        all_ = await self._cache.overlays(request.map_id)
        overlays, token = page_of(all_, request)
        response, size = pb.ListOverlaysResponse(next_page_token=token), 0
        for overlay in overlays:
            seen = await self._seen(overlay, map_)
            size += seen.ByteSize()
            if response.overlays and size > MAX_PAGE_BYTES:
                response.next_page_token = token_at(all_.index(overlay), request)
                break
            response.overlays.append(seen)
        return response

    async def UpdateOverlay(self, request: Any, context: Any) -> pb.UpdateOverlayResponse:
        newest = await self._storage.overlays.retrieve(request.overlay_id)
        if newest is None:
            raise _not_found(request.overlay_id)
        map_ = await self._map(newest.map_id)
        changed = _changed(newest, request.changes)
        if not request.request_id and newest.version != request.version:
            raise VersionConflict(f"the overlay is at version {newest.version}, not {request.version}")
        await self._check(changed, map_, "changes.put_{kind}_elements", _put_elements(request.changes))
        operation = Operation("update overlay", request)
        put = self._storage.overlays.put(changed, at_version=request.version)
        stored = await operation.store(
            self._storage, self._cache, [put], messages=[self._event(operation, changed, request.changes)]
        )
        return pb.UpdateOverlayResponse(overlay=await self._seen(stored[0].overlay, map_))

    async def DeleteOverlay(self, request: Any, context: Any) -> pb.DeleteOverlayResponse:
        operation = Operation("delete overlay", request)
        overlay = await self._storage.overlays.retrieve(request.overlay_id)
        messages = []
        if overlay is not None:
            gone = pb.OverlayChanges(remove_element_ids=[each.id for each in _elements(overlay)])
            messages.append(self._event(operation, overlay, gone))
        key = self._storage.overlays.key(request.overlay_id, request.version)
        try:
            await operation.delete(self._storage, self._cache, key, messages=messages)
        except RecordMissing as missing:
            raise _not_found(request.overlay_id) from missing
        return pb.DeleteOverlayResponse()

    async def RenderOverlay(self, request: Any, context: Any) -> pb.RenderOverlayResponse:
        if request.overlay_id:
            overlay = await self._overlay(request.overlay_id)
            map_ = await self._map(overlay.map_id)
            svg = await self._renditions.overlay_svg(map_, overlay)
        else:
            map_ = await self._map(request.map_id)
            overlays = [each for each in await self._cache.overlays(request.map_id) if each.visible]
            svg = await self._renditions.map_svg(map_, overlays)
        return pb.RenderOverlayResponse(svg=svg, size=map_.content.size)

    async def _create(self, request: Any, overlay: Overlay, changes: pb.OverlayChanges) -> Overlay:
        map_ = await self._map(overlay.map_id)
        await self._check(overlay, map_, "elements", _elements(overlay))
        operation = Operation("create overlay", request)
        overlay.id = operation.new_id("overlay")
        existing = await self._cache.overlays(overlay.map_id)
        if len(existing) >= MAX_OVERLAYS and all(each.id != overlay.id for each in existing):
            raise OverlayRefused(f"the map has {MAX_OVERLAYS} overlays, which is as many as it takes")
        put = self._storage.overlays.put(overlay, absent=True)
        stored = await operation.store(
            self._storage, self._cache, [put], messages=[self._event(operation, overlay, changes)]
        )
        return await self._seen(stored[0].overlay, map_)

    async def _check(self, overlay: Overlay, map_: Image, path: str, given: Iterable[Any]) -> None:
        """Whether a map can have an overlay. Raises InvalidArgument, OverlayRefused."""
        kind = overlay.WhichOneof("content") or ""
        subtype, name = _SUBTYPES[kind]
        if map_.subtype != subtype:
            raise OverlayRefused(f"image {map_.id} is not {name}", metadata={"map_id": map_.id})
        path = path.format(kind=kind)
        found = element_violations(given, path)
        for index, element in enumerate(given):
            portrait = element.token.image_id if kind == "tactical" else ""
            if portrait and await self._cache.record(IMAGE, portrait) is None:
                found.append(Violation(f"{path}[{index}].token.image_id", "there is no such image"))
        if len(_elements(overlay)) > MAX_ELEMENTS:
            found.append(Violation(path, f"an overlay has at most {MAX_ELEMENTS} elements"))
        if found:
            raise InvalidArgument.of(found)
        if overlay.ByteSize() > MAX_BYTES:
            raise OverlayRefused(f"an overlay has at most {MAX_BYTES} bytes: put its elements on several")
        if kind == "tactical" and await self._coverage.count_cells(overlay, map_) > MAX_CELLS:
            raise OverlayRefused(f"the elements of an overlay cover at most {MAX_CELLS} cells in all")

    async def _seen(self, overlay: Overlay, map_: Image) -> Overlay:
        return await self._coverage.with_coverage(overlay, map_)

    async def _overlay(self, id_: str) -> Overlay:
        record = await self._cache.record(OVERLAY, id_)
        if record is None:
            raise _not_found(id_)
        return record.overlay

    async def _map(self, id_: str) -> Image:
        record = await self._cache.record(IMAGE, id_)
        if record is None:
            raise ImageNotFound(f"there is no image {id_}", metadata={"image_id": id_})
        return record.image

    def _event(self, operation: Operation, overlay: Overlay, changes: pb.OverlayChanges) -> Any:
        return events.overlay_updated(
            overlay.map_id, overlay.id, changes, cause=operation.id, correlation_id=correlation_id()
        )


def _new(request: Any) -> Overlay:
    return Overlay(map_id=request.map_id, name=request.name, visible=True, z_index=request.z_index)


def _changed(overlay: Overlay, changes: pb.OverlayChanges) -> Overlay:
    """The overlay with changes made to it. Raises InvalidArgument for elements of the other kind."""
    made = Overlay()
    made.CopyFrom(overlay)
    for name in ("name", "visible", "z_index"):
        if changes.HasField(name):
            setattr(made, name, getattr(changes, name))
    kind = overlay.WhichOneof("content")
    for other in {"tactical", "campaign"} - {kind}:
        if getattr(changes, f"put_{other}_elements"):
            violation = Violation(f"changes.put_{other}_elements", f"the overlay is of a {kind} map")
            raise InvalidArgument.of([violation])
    elements = _elements(made)
    removed = set(changes.remove_element_ids)
    kept = [element for element in elements if element.id not in removed]
    places = {element.id: index for index, element in enumerate(kept)}
    for element in _put_elements(changes):
        if element.id in places:
            kept[places[element.id]] = element
        else:
            places[element.id] = len(kept)
            kept.append(element)
    copies = [type(element).FromString(element.SerializeToString()) for element in kept]
    del elements[:]
    elements.extend(copies)
    return made


def _elements(overlay: Overlay) -> MutableSequence[Any]:
    elements: MutableSequence[Any] = getattr(overlay, overlay.WhichOneof("content") or "").elements
    return elements


def _put_elements(changes: pb.OverlayChanges) -> list[Any]:
    return [*changes.put_tactical_elements, *changes.put_campaign_elements]


def _not_found(id_: str) -> OverlayNotFound:
    return OverlayNotFound(f"there is no overlay {id_}", metadata={"overlay_id": id_})
