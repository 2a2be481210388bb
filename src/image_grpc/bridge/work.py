"""What reactions are made of: calls for an event, pages of pictures, pictures made anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest, WaitGenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ListImagesRequest

from image_grpc.bridge.calls import Cause, Failure, Server
from image_grpc.bridge.keyed import Turn
from image_grpc.bridge.methods import BY_REQUEST
from image_grpc.idempotency import derived_id

CALL_SECONDS = 30.0
WAIT_SECONDS = 30
"""One look at a generation that is waited for; there are as many as it takes."""
PICTURES_AT_ONCE = 4
"""Pictures that one event has made anew at a time."""
PAGE = 50
UNFINISHED = (
    GenerationState.GENERATION_STATE_QUEUED,
    GenerationState.GENERATION_STATE_GENERATING,
    GenerationState.GENERATION_STATE_STORING,
)


class Superseded(Exception):
    """A newer event makes this one needless."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """An event that is reacted to."""

    payload: Any
    """The event's message."""
    only_newest: bool
    """Whether a newer event with the same key makes it needless."""
    cause: Cause
    server: Server
    turn: Turn

    def check(self) -> None:
        """Between two steps: raises Superseded, or CancelledError if the bridge stops."""
        self.turn.check()
        if self.only_newest and not self.turn.newest:
            raise Superseded

    async def call(self, request: Message) -> Any:
        """The answer to a request of any RPC, which follows from the request's type. Raises Failure."""
        return await self.server.call(BY_REQUEST[type(request)], request, self.cause, timeout=CALL_SECONDS)

    def request_id(self, *parts: str) -> str:
        """The id of a request that this event causes: the same for each delivery of it."""
        return derived_id(self.cause.message_id, *parts)

    async def images(self, **filters: Any) -> AsyncIterator[Image]:
        """All images that the filters of ListImages let through."""
        request = ListImagesRequest(page_size=PAGE, **filters)
        while True:
            page = await self.call(request)
            for image in page.images:
                yield image
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def unfinished(self, **filters: Any) -> AsyncIterator[Generation]:
        """All generations that have not ended, of those that the filters of ListGenerations let through."""
        for state in UNFINISHED:
            request = ListGenerationsRequest(page_size=PAGE, state=state, **filters)
            while True:
                page = await self.call(request)
                for generation in page.generations:
                    yield generation
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token

    async def ended(self, generation: Generation) -> Generation:
        """The generation once it has ended."""
        request = WaitGenerationRequest(generation_id=generation.id)
        request.timeout.FromSeconds(WAIT_SECONDS - 5)
        while generation.state in UNFINISHED:
            generation = (await self.call(request)).generation
        return generation

    async def make_anew(self, request: RegenerateImageRequest | ApplyThemeRequest) -> None:
        """Has a picture made anew, once for each event, and waits until it is. Raises Failure, also if the picture
        cannot be made."""
        request.request_id = self.request_id(request.image_id)
        try:
            generation = (await self.call(request)).generation
            while generation.state == GenerationState.GENERATION_STATE_FAILED:
                # That was when the event came before; it would not have come again if that were the last word.
                request.request_id = derived_id(request.request_id, "again")
                generation = (await self.call(request)).generation
        except Failure as failure:
            # By a former delivery, to a picture that was another one then; or the picture is deleted.
            if failure.reason in ("REQUEST_ID_REUSED", "IMAGE_NOT_FOUND"):
                return
            raise
        generation = await self.ended(generation)
        if generation.state == GenerationState.GENERATION_STATE_FAILED:
            raise Failure(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason=generation.error.reason,
                message=f"image {request.image_id}: {generation.error.message}",
            )

    async def for_each(self, images: AsyncIterator[Image], act: Callable[[Image], Awaitable[None]]) -> None:
        """Does something with each image, some at once. What cannot be done with one keeps it from no other, and
        is raised at the end."""
        failures: list[Failure] = []
        batch: list[Image] = []
        async for image in images:
            batch.append(image)
            if len(batch) == PICTURES_AT_ONCE:
                failures += await self._do(batch, act)
                batch = []
        failures += await self._do(batch, act)
        if failures:
            failures[0].message += f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise failures[0]

    async def _do(self, batch: list[Image], act: Callable[[Image], Awaitable[None]]) -> list[Failure]:
        self.check()
        outcomes = await asyncio.gather(*map(act, batch), return_exceptions=True)
        failures = []
        for outcome in outcomes:
            if isinstance(outcome, Failure) and outcome.final:
                failures.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return failures
