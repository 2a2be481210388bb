"""Generating pictures: from a request to a stored image."""

from dataclasses import dataclass

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_service_pb2 import CancelOutcome

from image_grpc.errors import ServiceError
from image_grpc.generation.cancel import cancel
from image_grpc.generation.intake import Intake
from image_grpc.generation.kinds import PictureRequest
from image_grpc.generation.new_record import CallIdentity
from image_grpc.generation.reader import GenerationReader
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.resolve import Resolver
from image_grpc.generation.revise import Reviser


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationUseCases:
    """The use cases of GenerationService."""

    resolver: Resolver
    intake: Intake
    reviser: Reviser
    reader: GenerationReader
    generations: GenerationRepository

    async def generate(self, request: PictureRequest) -> GenerationRecord:
        """Serve a Generate request. Raises InvalidArgument, GetimgNotConfigured, RequestIdReused, ApiError."""
        self.intake.require_provider()
        self.intake.require_capacity(request)
        call = CallIdentity.of(request)
        try:
            resolved = await self.resolver.resolve(request)
        except ServiceError:
            # What the request names may have been deleted since the same request was made.
            if (repeated := await self.intake.repeated(call)) is None:
                raise
            return repeated
        return await self.intake.submit(request, resolved, call)

    async def cancel(self, id_: str) -> tuple[GenerationRecord, CancelOutcome]:
        """Cancel a generation that costs nothing yet. Raises GenerationNotFound."""
        return await cancel(self.generations, id_)
