"""GenerationService."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from tabletop.image.v1 import generation_service_pb2 as pb
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceServicer
from tabletop.image.v1.model_pb2 import Model
from tabletop.storage.v1.record_pb2 import GenerationRecord
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc import records
from image_grpc.deadline import remaining
from image_grpc.generation import GenerationReader, Submitter
from image_grpc.rpc.paging import page_of, page_size
from image_grpc.storage import ImageStorageClient

MARGIN_SECONDS = 0.3
"""A wait ends this long before the call's deadline, so that the answer still arrives."""

ALL_STATES = [GenerationState.Name(state) for state in GenerationState.values() if state]

R = TypeVar("R")


class Catalogue(Protocol):
    """Where the models come from."""

    async def models(self) -> list[Model]:
        """The models that draw pictures. Raises ApiError, GetimgNotConfigured."""


class GenerationServicer(GenerationServiceServicer):
    """Makes pictures. Requests arrive validated."""

    def __init__(
        self,
        submitter: Submitter,
        reader: GenerationReader,
        storage: ImageStorageClient,
        catalogue: Catalogue,
        *,
        heartbeat_seconds: float,
        longest_wait: float,
    ) -> None:
        self._submitter, self._reader, self._storage = submitter, reader, storage
        self._catalogue, self._heartbeat_seconds = catalogue, heartbeat_seconds
        self._longest_wait = longest_wait

    async def GenerateTacticalMap(self, request: Any, context: Any) -> Any:
        return await self._generate(request, pb.GenerateTacticalMapResponse)

    async def GenerateCampaignMap(self, request: Any, context: Any) -> Any:
        return await self._generate(request, pb.GenerateCampaignMapResponse)

    async def GeneratePortrait(self, request: Any, context: Any) -> Any:
        return await self._generate(request, pb.GeneratePortraitResponse)

    async def GenerateItemIllustration(self, request: Any, context: Any) -> Any:
        return await self._generate(request, pb.GenerateItemIllustrationResponse)

    async def RegenerateImage(self, request: Any, context: Any) -> pb.RegenerateImageResponse:
        record = await self._submitter.revise(request)
        return await self._answer(request, record, pb.RegenerateImageResponse)

    async def ApplyTheme(self, request: Any, context: Any) -> pb.ApplyThemeResponse:
        record = await self._submitter.revise(request)
        return await self._answer(request, record, pb.ApplyThemeResponse)

    async def _generate(self, request: Any, response: Callable[..., R]) -> R:
        return await self._answer(request, await self._submitter.submit(request), response)

    async def _answer(self, request: Any, record: GenerationRecord, response: Callable[..., R]) -> R:
        """Answers with a generation, once it has ended or `wait_for` is over."""
        seconds = request.wait_for.ToNanoseconds() / 1e9
        if seconds and record.generation.id:
            generation = await self._reader.wait(record.generation.id, remaining(seconds, margin=MARGIN_SECONDS))
        else:
            generation = await self._reader.present(record)
        return response(generation=generation)

    async def GetGeneration(self, request: Any, context: Any) -> pb.GetGenerationResponse:
        return pb.GetGenerationResponse(generation=await self._reader.get(request.generation_id))

    async def ListGenerations(self, request: Any, context: Any) -> pb.ListGenerationsResponse:
        filter_ = ListFilter(
            type=request.type,
            subtype=request.subtype,
            theme=request.theme,
            source_id=request.source_id,
            service=request.service,
            # A record without a state only points to the generation that answers its request_id.
            states=[request.state] if request.state else ALL_STATES,
        )
        found, token = await self._storage.generations.list(
            filter_, page_size=page_size(request), page_token=request.page_token
        )
        generations = [await self._reader.present(record) for record in found]
        return pb.ListGenerationsResponse(generations=generations, next_page_token=token)

    async def WaitGeneration(self, request: Any, context: Any) -> pb.WaitGenerationResponse:
        seconds = self._longest_wait
        if request.HasField("timeout"):
            seconds = request.timeout.ToNanoseconds() / 1e9
        generation = await self._reader.wait(request.generation_id, remaining(seconds, margin=MARGIN_SECONDS))
        return pb.WaitGenerationResponse(generation=generation)

    async def WatchGeneration(self, request: Any, context: Any) -> AsyncIterator[pb.WatchGenerationResponse]:
        changes = self._reader.watch(
            request.generation_id, request.cursor, heartbeat_seconds=self._heartbeat_seconds
        )
        async for generation, cursor in changes:
            yield pb.WatchGenerationResponse(generation=generation, cursor=cursor, send_time=records.now())

    async def CancelGeneration(self, request: Any, context: Any) -> pb.CancelGenerationResponse:
        record, outcome = await self._submitter.cancel(request.generation_id)
        return pb.CancelGenerationResponse(generation=await self._reader.present(record), outcome=outcome)

    async def ListModels(self, request: Any, context: Any) -> pb.ListModelsResponse:
        models, token = page_of(await self._catalogue.models(), request)
        return pb.ListModelsResponse(models=models, next_page_token=token)
