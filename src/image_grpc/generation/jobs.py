"""The pipeline's messages."""

from __future__ import annotations

from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.jobs_pb2 import GenerateJob, ProviderResult, StoreJob
from tabletop.storage.v1.record_pb2 import GenerationRecord

from image_grpc.generation import kinds
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology


def generate(record: GenerationRecord) -> OutboundMessage:
    """Has the picture of a generation drawn."""
    priority = kinds.drawn(record).priority
    job = GenerateJob(generation_id=record.generation.id)
    return _message(record, topology.GENERATE_QUEUES[priority], topology.GENERATE_JOB, job)


def store(record: GenerationRecord, result: ProviderResult) -> OutboundMessage:
    """Has a drawn picture stored."""
    job = StoreJob(generation_id=record.generation.id, result=result)
    return _message(record, topology.STORE_QUEUE, topology.STORE_JOB, job)


def _message(record: GenerationRecord, queue: str, type_: str, job: GenerateJob | StoreJob) -> OutboundMessage:
    return OutboundMessage(
        routing_key=queue,
        mandatory=True,
        headers=trace(record),
        envelope=envelopes.protobuf_envelope(type_, job, correlation_id=record.correlation_id),
    )


def trace(record: GenerationRecord) -> dict[str, str]:
    """Headers that tie a message to the trace of the call that asked for the generation."""
    return {"traceparent": record.traceparent} if record.traceparent else {}
