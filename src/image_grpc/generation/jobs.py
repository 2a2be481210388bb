"""The pipeline's messages."""

from __future__ import annotations

from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.events_pb2 import ImageGenerated
from tabletop.hub.v1.jobs_pb2 import GenerateJob, ProviderResult, StoreJob
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageType
from tabletop.storage.v1.record_pb2 import GenerationRecord

from image_grpc import records
from image_grpc.generation import kinds
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology


def generate(record: GenerationRecord) -> OutboundMessage:
    """Has the picture of a generation drawn."""
    priority = kinds.picture(record.generation.request).priority
    job = GenerateJob(generation_id=record.generation.id)
    return _message(record, topology.GENERATE_QUEUES[priority], topology.GENERATE_JOB, job)


def store(record: GenerationRecord, result: ProviderResult) -> OutboundMessage:
    """Has a drawn picture stored."""
    job = StoreJob(generation_id=record.generation.id, result=result)
    return _message(record, topology.STORE_QUEUE, topology.STORE_JOB, job)


def image_generated(record: GenerationRecord, image: Image, storage_correlation_id: str) -> OutboundMessage:
    """Tells the platform of a stored picture. The event's id follows from the generation: it is announced once,
    however often it is sent."""
    event = ImageGenerated(
        storage_correlation_id=storage_correlation_id,
        image_id=image.id,
        type=ImageType.Name(image.type).removeprefix("IMAGE_TYPE_").lower(),
        source_id=image.metadata.source_id,
        timestamp=records.now(),
    )
    return OutboundMessage(
        exchange=topology.EVENTS,
        routing_key=topology.event_routing_key(topology.IMAGE_GENERATED),
        headers=_trace(record),
        envelope=envelopes.json_envelope(
            topology.IMAGE_GENERATED,
            event,
            correlation_id=record.correlation_id,
            id_=records.derived_id(record.generation.id, topology.IMAGE_GENERATED),
            seconds=EVENT_SECONDS,
        ),
    )


EVENT_SECONDS = 86_400.0
"""Time-to-live of events."""


def _message(record: GenerationRecord, queue: str, type_: str, job: GenerateJob | StoreJob) -> OutboundMessage:
    return OutboundMessage(
        routing_key=queue,
        mandatory=True,
        headers=_trace(record),
        envelope=envelopes.protobuf_envelope(type_, job, correlation_id=record.correlation_id),
    )


def _trace(record: GenerationRecord) -> dict[str, str]:
    return {"traceparent": record.traceparent} if record.traceparent else {}
