"""The calls that reactions to an event are made of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc
from google.protobuf.message import Message
from tabletop.image.v1 import generation_service_pb2 as service
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ListImagesRequest, ListImagesResponse

from image_grpc.bridge.client import Cause, ImageServiceClient, Req, Res
from image_grpc.bridge.errors import IMAGE_NOT_FOUND, REQUEST_ID_REUSED, CallError
from image_grpc.bridge.keyed_lock import LockHolder
from image_grpc.idempotency import derived_id
from image_grpc.messages import clone

CALL_SECONDS = 30.0
WAIT_SECONDS = 25
"""Duration of one WaitGeneration call, shorter than the call's deadline; it is repeated until the end."""
MAX_CONCURRENT_IMAGES = 4
"""Images of one event that are generated at the same time."""
UNFINISHED_STATES = (
    GenerationState.GENERATION_STATE_QUEUED,
    GenerationState.GENERATION_STATE_GENERATING,
    GenerationState.GENERATION_STATE_STORING,
)

P = TypeVar("P", bound=Message)
Query = TypeVar("Query", ListImagesRequest, service.ListGenerationsRequest)
Page = TypeVar("Page", ListImagesResponse, service.ListGenerationsResponse)
Revision = TypeVar("Revision", RegenerateImageRequest, ApplyThemeRequest)
Revised = TypeVar("Revised", service.RegenerateImageResponse, service.ApplyThemeResponse)


class Superseded(Exception):
    """A newer event makes this one obsolete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReactionContext(Generic[P]):
    """An event, and what is needed to react to it. Its calls raise CallError."""

    payload: P
    only_newest: bool
    """Whether a newer event with the same key makes this one obsolete."""
    cause: Cause
    client: ImageServiceClient
    lock: LockHolder

    def checkpoint(self) -> None:
        """Raise Superseded if the event has become obsolete, or CancelledError if the bridge is stopping."""
        self.lock.raise_if_closed()
        if self.only_newest and not self.lock.is_newest:
            raise Superseded

    async def call(self, rpc: grpc.aio.UnaryUnaryMultiCallable[Req, Res], request: Req) -> Res:
        """Call an RPC of one of the client's stubs."""
        return await self.client.call(rpc, request, self.cause, timeout=CALL_SECONDS)

    def request_id(self, *parts: str) -> str:
        """Return a request id that is the same for each delivery of this event."""
        return derived_id(self.cause.message_id, *parts)

    async def images(self, filters: ListImagesRequest) -> AsyncIterator[Image]:
        """Yield all images that match the filters."""
        async for page in self._pages(self.client.images.ListImages, filters):
            for image in page.images:
                yield image

    async def unfinished_generations(self, source_id: str) -> AsyncIterator[Generation]:
        """Yield all generations for a source that have not ended."""
        for state in UNFINISHED_STATES:
            filters = service.ListGenerationsRequest(state=state, source_id=source_id)
            async for page in self._pages(self.client.generations.ListGenerations, filters):
                for generation in page.generations:
                    yield generation

    async def _pages(self, rpc: grpc.aio.UnaryUnaryMultiCallable[Query, Page], filters: Query) -> AsyncIterator[Page]:
        request = clone(filters)
        while True:
            page = await self.call(rpc, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def wait_for_end(self, generation: Generation) -> Generation:
        """Return the generation once it has ended."""
        request = service.WaitGenerationRequest(generation_id=generation.id)
        request.timeout.FromSeconds(WAIT_SECONDS)
        while generation.state in UNFINISHED_STATES:
            generation = (await self.call(self.client.generations.WaitGeneration, request)).generation
        return generation

    async def revise(self, rpc: grpc.aio.UnaryUnaryMultiCallable[Revision, Revised], request: Revision) -> None:
        """Create a new version of an image, once per event, and wait for it."""
        request.request_id = self.request_id(request.image_id)
        try:
            generation = (await self.call(rpc, request)).generation
            while generation.state == GenerationState.GENERATION_STATE_FAILED:
                # An earlier delivery of this event failed; it was replayed to try again.
                request.request_id = derived_id(request.request_id, "again")
                generation = (await self.call(rpc, request)).generation
        except CallError as error:
            # An earlier delivery started the change when the image was different, or the image is deleted.
            if error.reason in (REQUEST_ID_REUSED, IMAGE_NOT_FOUND):
                return
            raise
        generation = await self.wait_for_end(generation)
        if generation.state == GenerationState.GENERATION_STATE_FAILED:
            raise CallError(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason=generation.error.reason,
                message=f"image {request.image_id}: {generation.error.message}",
            )

    async def for_each(self, images: AsyncIterator[Image], act: Callable[[Image], Awaitable[None]]) -> None:
        """Apply `act` to each image, to a few at a time. Permanent errors are raised after all images are done."""
        errors: list[CallError] = []
        batch: list[Image] = []
        async for image in images:
            batch.append(image)
            if len(batch) == MAX_CONCURRENT_IMAGES:
                errors += await self._apply(batch, act)
                batch = []
        errors += await self._apply(batch, act)
        if errors:
            errors[0].message += f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            raise errors[0]

    async def _apply(self, batch: list[Image], act: Callable[[Image], Awaitable[None]]) -> list[CallError]:
        """Return the permanent errors of a batch; raise any other."""
        self.checkpoint()
        errors = []
        for result in await asyncio.gather(*map(act, batch), return_exceptions=True):
            if isinstance(result, CallError) and result.permanent:
                errors.append(result)
            elif isinstance(result, BaseException):
                raise result
        return errors
