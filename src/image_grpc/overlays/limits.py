"""What a map accepts as an overlay."""

from collections.abc import Sequence

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay, TacticalElement
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc.errors import InvalidArgument, OverlayLimitExceeded, OverlayMapMismatch, Violation
from image_grpc.maps.coverage import MAX_CELLS, MAX_EXAMINED, Coverage, examined_cells
from image_grpc.maps.validation import element_violations
from image_grpc.messages import enum_label, oneof_field
from image_grpc.overlays.elements import Element, elements_of
from image_grpc.storage import Storage

MAX_ELEMENTS = 1000
"""Elements of an overlay."""
MAX_OVERLAYS = 100
"""Overlays of a map."""
MAX_BYTES = 1024 * 1024
"""Serialized size of an overlay without its coverage: responses and events contain it whole."""


class OverlayLimits:
    """Checks overlays before they are stored."""

    def __init__(self, storage: Storage, coverage: Coverage) -> None:
        self._storage, self._coverage = storage, coverage

    async def check(self, overlay: Overlay, map_: Image, path: str, elements: Sequence[Element]) -> None:
        """Check an overlay that `elements` were added to.

        `path` is the field of the request that contains these elements. Raises InvalidArgument,
        OverlayMapMismatch, OverlayLimitExceeded.
        """
        kind = oneof_field(overlay, "content")
        if enum_label(ImageSubtype, map_.subtype) != kind:
            raise OverlayMapMismatch(f"image {map_.id} is not a {kind} map", metadata={"map_id": map_.id})
        violations = element_violations(elements, path)
        violations += await self._missing_portraits(elements, path)
        if len(elements_of(overlay)) > MAX_ELEMENTS:
            violations.append(Violation(path, f"an overlay must have at most {MAX_ELEMENTS} elements"))
        if violations:
            raise InvalidArgument.of(violations)
        if overlay.ByteSize() > MAX_BYTES:
            raise OverlayLimitExceeded(
                f"an overlay must have at most {MAX_BYTES} bytes; distribute its elements over several overlays"
            )
        if examined_cells(overlay, map_) > MAX_EXAMINED:
            raise OverlayLimitExceeded(
                f"at most {MAX_EXAMINED} cells may be within the ranges of sight and movement of an overlay; shorten "
                "the ranges, or distribute the elements over several overlays"
            )
        if kind == "tactical" and await self._coverage.count_cells(overlay, map_) > MAX_CELLS:
            raise OverlayLimitExceeded(f"the elements of an overlay must cover at most {MAX_CELLS} cells")

    async def check_count(self, overlay: Overlay) -> None:
        """Check that a map accepts another overlay. Raises OverlayLimitExceeded."""
        existing = await self._storage.overlays.of_map(overlay.map_id)
        repeated = any(each.id == overlay.id for each in existing)
        if len(existing) >= MAX_OVERLAYS and not repeated:
            raise OverlayLimitExceeded(f"a map must have at most {MAX_OVERLAYS} overlays")

    async def _missing_portraits(self, elements: Sequence[Element], path: str) -> list[Violation]:
        return [
            Violation(f"{path}[{index}].token.image_id", "image does not exist")
            for index, element in enumerate(elements)
            if isinstance(element, TacticalElement)
            and element.token.image_id
            and await self._storage.images.get(element.token.image_id) is None
        ]
