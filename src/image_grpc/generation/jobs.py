"""The messages of the pipeline."""

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob, StoreJob
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult

from image_grpc.generation.requests import complete_request, picture_in
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.messages import clone


def generate_job(record: GenerationRecord, version: int) -> OutboundMessage:
    """Return the message that makes the pipeline generate a picture; `version` is that of the record once stored.

    The record is part of it unless there are reference images.
    """
    job = GenerateJob(generation_id=record.generation.id)
    # Reference images take long to load, too long for a generation that was cancelled meanwhile.
    if not (record.reference_version or picture_in(complete_request(record)).reference_image_ids):
        job.record.CopyFrom(_at_version(record, version))
    return _message(record, generate_queue(record), topology.GENERATE_JOB, job)


def store_job(record: GenerationRecord, result: ProviderResult) -> OutboundMessage:
    """Return the message that makes the pipeline store a generated picture.

    The record is part of it if it contains the result.
    """
    job = StoreJob(generation_id=record.generation.id, result=result)
    if record.provider_result == result:
        job.record.CopyFrom(record)
    return _message(record, topology.STORE_QUEUE, topology.STORE_JOB, job)


def next_job(record: GenerationRecord, version: int) -> OutboundMessage:
    """Return the message for the step that an unfinished generation is at."""
    if record.HasField("provider_result"):
        return store_job(_at_version(record, version), record.provider_result)
    return generate_job(record, version)


def next_queue(record: GenerationRecord) -> str:
    """Return the queue of `next_job`."""
    return topology.STORE_QUEUE if record.HasField("provider_result") else generate_queue(record)


def generate_queue(record: GenerationRecord) -> str:
    """Return the queue of the job that generates the picture."""
    return topology.GENERATE_QUEUES[picture_in(complete_request(record)).priority]


def _at_version(record: GenerationRecord, version: int) -> GenerationRecord:
    record = clone(record)
    record.generation.version = version
    return record


def trace_headers(record: GenerationRecord) -> dict[str, str]:
    """Return the headers that tie a message to the trace of the call that requested the generation."""
    return {"traceparent": record.traceparent} if record.traceparent else {}


def _message(record: GenerationRecord, queue: str, type_: str, job: Message) -> OutboundMessage:
    envelope = envelopes.protobuf_envelope(type_, job, correlation_id=record.correlation_id)
    return OutboundMessage(routing_key=queue, mandatory=True, headers=trace_headers(record), envelope=envelope)
