"""The elements of overlays. Pure functions."""

from collections.abc import MutableSequence
from typing import Any

from tabletop.image.v1.overlay_pb2 import CampaignElement, Overlay, TacticalElement, Visibility
from tabletop.image.v1.overlay_service_pb2 import OverlayChanges

from image_grpc.errors import InvalidArgument, Violation
from image_grpc.messages import clone, oneof_field, oneof_value

Element = TacticalElement | CampaignElement


def elements_of(overlay: Overlay) -> MutableSequence[Any]:
    """Return the elements of an overlay, which are either all tactical or all campaign elements."""
    elements: MutableSequence[Any] = oneof_value(overlay, "content").elements
    return elements


def put_elements(changes: OverlayChanges) -> list[Element]:
    """Return the elements that changes add or replace."""
    return [*changes.put_tactical_elements, *changes.put_campaign_elements]


def apply_changes(overlay: Overlay, changes: OverlayChanges) -> Overlay:
    """Return an overlay with changes applied. Raises InvalidArgument for elements of the other kind."""
    changed = clone(overlay)
    for name in ("name", "visible", "z_index"):
        if changes.HasField(name):
            setattr(changed, name, getattr(changes, name))
    if changes.visibility != (overlay.visibility or Visibility.VISIBILITY_EVERYONE):
        changed.visibility = changes.visibility or overlay.visibility
    kind = oneof_field(overlay, "content")
    other_field = {"tactical": "put_campaign_elements", "campaign": "put_tactical_elements"}[kind]
    if getattr(changes, other_field):
        raise InvalidArgument.of([Violation(f"changes.{other_field}", f"the overlay belongs to a {kind} map")])
    # The remaining elements in their order, replaced ones in their place, then the added ones.
    removed = set(changes.remove_element_ids)
    merged = {element.id: element for element in elements_of(overlay) if element.id not in removed}
    merged |= {element.id: element for element in put_elements(changes)}
    elements = elements_of(changed)
    del elements[:]
    elements.extend(merged.values())
    return changed
