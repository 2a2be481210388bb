"""The events that the service publishes. Their ids derive from their causes, so repetitions are recognized."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.events_pb2 import ImageGenerated, MapUpdated, OverlayUpdated, ThemeApplied
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_service_pb2 import MapChanges
from tabletop.image.v1.overlay_service_pb2 import OverlayChanges
from tabletop.image.v1.theme_pb2 import ThemeElement
from tabletop.image.v1.types_pb2 import ImageType

from image_grpc.correlation import new_correlation_id
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.idempotency import derived_id
from image_grpc.messages import enum_label, now
from image_grpc.telemetry import inject


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What led to an event."""

    cause: str
    """The id of the operation or generation. The same cause publishes the same event."""
    correlation_id: str = field(default_factory=new_correlation_id)
    headers: Mapping[str, str] = field(default_factory=inject)
    """W3C trace context."""


def image_generated(image: Image, origin: Origin) -> OutboundMessage:
    """Return the event that a picture, or a new version of it, is stored."""
    event = ImageGenerated(
        storage_correlation_id=image.storage_correlation_id,
        image_id=image.id,
        type=enum_label(ImageType, image.type),
        source_id=image.metadata.source_id,
        timestamp=now(),
    )
    return _event(topology.IMAGE_GENERATED, event, origin)


def theme_applied(image_id: str, theme: str, elements: Iterable[ThemeElement], origin: Origin) -> OutboundMessage:
    """Return the event that an image has a version in another theme."""
    labels = [enum_label(ThemeElement, element) for element in elements]
    return _event(topology.THEME_APPLIED, ThemeApplied(image_id=image_id, theme=theme, elements=labels), origin)


def overlay_updated(map_id: str, overlay_id: str, changes: OverlayChanges, origin: Origin) -> OutboundMessage:
    """Return the event that an overlay of a map changed."""
    event = OverlayUpdated(map_id=map_id, overlay_id=overlay_id, changes=changes)
    return _event(topology.OVERLAY_UPDATED, event, origin)


def map_updated(map_id: str, version: int, changes: MapChanges, origin: Origin) -> OutboundMessage:
    """Return the event that a map has a new version with the same picture."""
    return _event(topology.MAP_UPDATED, MapUpdated(map_id=map_id, version=version, changes=changes), origin)


def _event(type_: str, payload: Message, origin: Origin) -> OutboundMessage:
    id_ = derived_id(origin.cause, type_)
    return OutboundMessage(
        exchange=topology.EVENTS,
        routing_key=topology.event_routing_key(type_),
        headers=origin.headers,
        envelope=envelopes.json_envelope(
            type_, payload, correlation_id=origin.correlation_id, message_id=id_, time_to_live=86_400.0
        ),
    )
