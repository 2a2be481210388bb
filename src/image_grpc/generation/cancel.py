"""Cancellation of generations."""

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_service_pb2 import CancelOutcome

from image_grpc.errors import VersionConflict
from image_grpc.generation import states
from image_grpc.generation.repository import GenerationRepository


async def cancel(generations: GenerationRepository, id_: str) -> tuple[GenerationRecord, CancelOutcome]:
    """Cancel a generation that GetImg.AI was not called for; return it and the outcome. Raises GenerationNotFound."""
    while True:
        record = await generations.require(id_)
        if states.is_final(record.generation):
            return record, CancelOutcome.CANCEL_OUTCOME_ALREADY_ENDED
        if record.generation.attempts:
            return record, CancelOutcome.CANCEL_OUTCOME_TOO_LATE
        try:
            return await generations.end(states.cancelled(record)), CancelOutcome.CANCEL_OUTCOME_STOPPED
        except VersionConflict:
            continue  # the pipeline changed it meanwhile
