"""GenerationService."""

from collections.abc import AsyncIterator

from google.protobuf.duration_pb2 import Duration
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1 import generation_request_pb2 as requests
from tabletop.image.v1 import generation_service_pb2 as pb
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceServicer

from image_grpc.deadline import remaining
from image_grpc.errors import Overloaded
from image_grpc.generation import GenerationUseCases
from image_grpc.generation.kinds import PictureRequest
from image_grpc.generation.resolve import ModelCatalog
from image_grpc.messages import now
from image_grpc.paging import Pager, page_size
from image_grpc.retry import SOON
from image_grpc.rpc import Context
from image_grpc.rpc.admission import waiting

MARGIN_SECONDS = 0.3
"""A wait ends this long before the call's deadline, so that the response still arrives."""


class GenerationServicer(GenerationServiceServicer):
    """Generates pictures. Requests are valid by the contract's rules."""

    def __init__(
        self,
        generations: GenerationUseCases,
        models: ModelCatalog,
        *,
        heartbeat_seconds: float,
        max_wait_seconds: float,
    ) -> None:
        self._generations, self._models = generations, models
        self._heartbeat_seconds, self._max_wait_seconds = heartbeat_seconds, max_wait_seconds

    async def GenerateTacticalMap(
        self, request: requests.GenerateTacticalMapRequest, context: Context
    ) -> pb.GenerateTacticalMapResponse:
        return pb.GenerateTacticalMapResponse(generation=await self._generate(request))

    async def GenerateCampaignMap(
        self, request: requests.GenerateCampaignMapRequest, context: Context
    ) -> pb.GenerateCampaignMapResponse:
        return pb.GenerateCampaignMapResponse(generation=await self._generate(request))

    async def GeneratePortrait(
        self, request: requests.GeneratePortraitRequest, context: Context
    ) -> pb.GeneratePortraitResponse:
        return pb.GeneratePortraitResponse(generation=await self._generate(request))

    async def GenerateItemIllustration(
        self, request: requests.GenerateItemIllustrationRequest, context: Context
    ) -> pb.GenerateItemIllustrationResponse:
        return pb.GenerateItemIllustrationResponse(generation=await self._generate(request))

    async def RegenerateImage(
        self, request: requests.RegenerateImageRequest, context: Context
    ) -> pb.RegenerateImageResponse:
        record = await self._generations.reviser.regenerate(request)
        return pb.RegenerateImageResponse(generation=await self._wait_for(record, request.wait_for))

    async def ApplyTheme(self, request: requests.ApplyThemeRequest, context: Context) -> pb.ApplyThemeResponse:
        record = await self._generations.reviser.apply_theme(request)
        return pb.ApplyThemeResponse(generation=await self._wait_for(record, request.wait_for))

    async def GetGeneration(self, request: pb.GetGenerationRequest, context: Context) -> pb.GetGenerationResponse:
        return pb.GetGenerationResponse(generation=await self._generations.reader.get(request.generation_id))

    async def ListGenerations(self, request: pb.ListGenerationsRequest, context: Context) -> pb.ListGenerationsResponse:
        generations, token = await self._generations.reader.list(request, page_size(request))
        return pb.ListGenerationsResponse(generations=generations, next_page_token=token)

    async def WaitGeneration(self, request: pb.WaitGenerationRequest, context: Context) -> pb.WaitGenerationResponse:
        seconds = _seconds(request.timeout) if request.HasField("timeout") else self._max_wait_seconds
        if not seconds:
            return pb.WaitGenerationResponse(generation=await self._generations.reader.get(request.generation_id))
        with waiting() as admitted:
            if not admitted:
                raise Overloaded("too many calls wait for generations", retry_delay=SOON)
            return pb.WaitGenerationResponse(generation=await self._wait(request.generation_id, seconds))

    async def WatchGeneration(
        self, request: pb.WatchGenerationRequest, context: Context
    ) -> AsyncIterator[pb.WatchGenerationResponse]:
        events = self._generations.reader.watch(
            request.generation_id, request.cursor, heartbeat_seconds=self._heartbeat_seconds
        )
        async for event in events:
            yield pb.WatchGenerationResponse(generation=event.generation, cursor=event.cursor, send_time=now())

    async def CancelGeneration(
        self, request: pb.CancelGenerationRequest, context: Context
    ) -> pb.CancelGenerationResponse:
        record, outcome = await self._generations.cancel(request.generation_id)
        generation = await self._generations.reader.present(record)
        return pb.CancelGenerationResponse(generation=generation, outcome=outcome)

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        pager = Pager(request, await self._models.models())
        return pb.ListModelsResponse(models=pager.items(), next_page_token=pager.next_page_token)

    async def _generate(self, request: PictureRequest) -> Generation:
        record = await self._generations.generate(request)
        return await self._wait_for(record, request.wait_for)

    async def _wait_for(self, record: GenerationRecord, wait_for: Duration) -> Generation:
        """Return a generation, after waiting up to `wait_for` for it to end unless too many calls wait.

        A preview has no id.
        """
        seconds = _seconds(wait_for)
        if seconds and record.generation.id:
            with waiting() as admitted:
                if admitted:
                    # An older one may have changed since it was read.
                    is_new = record.generation.version == 1 and not record.generation.attempts
                    return await self._wait(record.generation.id, seconds, record if is_new else None)
        return await self._generations.reader.present(record)

    async def _wait(self, id_: str, seconds: float, record: GenerationRecord | None = None) -> Generation:
        return await self._generations.reader.wait(id_, remaining(seconds, margin=MARGIN_SECONDS), record)


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9
