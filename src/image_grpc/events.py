"""The events that the service publishes. Each one's id follows from what it tells of: it is one event, however
often it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.events_pb2 import ImageGenerated, OverlayUpdated, ThemeApplied
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_service_pb2 import OverlayChanges
from tabletop.image.v1.theme_pb2 import ThemeElement
from tabletop.image.v1.types_pb2 import ImageType

from image_grpc import records
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.telemetry import inject

SECONDS = 86_400.0
"""Time-to-live of events."""


def image_generated(
    image: Image, *, cause: str, correlation_id: str, headers: Mapping[str, str] | None = None
) -> OutboundMessage:
    """A picture is stored. `cause` names what stored it; `image` has the storage operation's id."""
    event = ImageGenerated(
        storage_correlation_id=image.storage_correlation_id,
        image_id=image.id,
        type=ImageType.Name(image.type).removeprefix("IMAGE_TYPE_").lower(),
        source_id=image.metadata.source_id,
        timestamp=records.now(),
    )
    return _event(topology.IMAGE_GENERATED, event, cause, correlation_id, headers)


def theme_applied(
    image_id: str,
    theme: str,
    elements: Iterable[ThemeElement],
    *,
    cause: str,
    correlation_id: str,
    headers: Mapping[str, str] | None = None,
) -> OutboundMessage:
    """An image has a version in another theme."""
    names = [ThemeElement.Name(each).removeprefix("THEME_ELEMENT_").lower() for each in elements]
    event = ThemeApplied(image_id=image_id, theme=theme, elements=names)
    return _event(topology.THEME_APPLIED, event, cause, correlation_id, headers)


def overlay_updated(
    map_id: str, overlay_id: str, changes: OverlayChanges, *, cause: str, correlation_id: str
) -> OutboundMessage:
    """An overlay of a map changed."""
    event = OverlayUpdated(map_id=map_id, overlay_id=overlay_id, changes=changes)
    return _event(topology.OVERLAY_UPDATED, event, cause, correlation_id, inject())


def _event(
    type_: str, payload: Message, cause: str, correlation_id: str, headers: Mapping[str, str] | None
) -> OutboundMessage:
    return OutboundMessage(
        exchange=topology.EVENTS,
        routing_key=topology.event_routing_key(type_),
        headers=headers,
        envelope=envelopes.json_envelope(
            type_,
            payload,
            correlation_id=correlation_id,
            message_id=records.derived_id(cause, type_),
            time_to_live=SECONDS,
        ),
    )
