"""The messages of the pipeline."""

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob, ProviderResult, StoreJob

from image_grpc.generation.requests import complete_request, picture_in
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology


def generate_job(record: GenerationRecord) -> OutboundMessage:
    """Return the message that makes the pipeline generate the picture of a generation."""
    queue = topology.GENERATE_QUEUES[picture_in(complete_request(record)).priority]
    return _message(record, queue, topology.GENERATE_JOB, GenerateJob(generation_id=record.generation.id))


def store_job(record: GenerationRecord, result: ProviderResult) -> OutboundMessage:
    """Return the message that makes the pipeline store a generated picture."""
    job = StoreJob(generation_id=record.generation.id, result=result)
    return _message(record, topology.STORE_QUEUE, topology.STORE_JOB, job)


def next_job(record: GenerationRecord) -> OutboundMessage:
    """Return the message for the step that an unfinished generation is at."""
    generated = record.HasField("provider_result")
    return store_job(record, record.provider_result) if generated else generate_job(record)


def trace_headers(record: GenerationRecord) -> dict[str, str]:
    """Return the headers that tie a message to the trace of the call that requested the generation."""
    return {"traceparent": record.traceparent} if record.traceparent else {}


def _message(record: GenerationRecord, queue: str, type_: str, job: Message) -> OutboundMessage:
    envelope = envelopes.protobuf_envelope(type_, job, correlation_id=record.correlation_id)
    return OutboundMessage(routing_key=queue, mandatory=True, headers=trace_headers(record), envelope=envelope)
