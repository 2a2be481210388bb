"""Callers that retry until their requests are accepted, and record what was accepted."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest, WaitGenerationRequest

from image_grpc.messages import now
from tests.faults.platform import Platform, Server
from tests.service import MODEL

CALL_SECONDS = 12.0
PAUSE_SECONDS = 0.5
MAX_CONCURRENT_CALLS = 16
EXPECTED_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
"""Status codes that callers may receive during a fault."""
REJECTIONS = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
"""Status codes that blame the caller. These calls are correct, and stay below every limit."""

T = TypeVar("T")


@dataclass(kw_only=True, slots=True)
class Fault:
    """A fault and its time range, in milliseconds since the epoch."""

    name: str
    begin: int
    end: int = 0


@dataclass(kw_only=True, slots=True)
class History:
    """The faults of a run, and what callers and listeners observed."""

    faults: list[Fault] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    """The `details` of accepted requests by generation id."""
    in_flight_at_kill: set[str] = field(default_factory=set)
    """Ids of generations whose call to GetImg.AI may have been in flight when their server was killed."""
    events: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Number of deliveries of each `image_generated` event by image id and event id."""
    error_counts: Counter[str] = field(default_factory=Counter)
    """Number of failed calls by status code and reason."""
    rejected: list[str] = field(default_factory=list)
    """Calls that were rejected with one of REJECTIONS, except with the advice to retry."""
    unexpected_errors: list[str] = field(default_factory=list)
    """Failed calls with any other status code outside of EXPECTED_CODES."""

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        """Record a fault that lasts for the block."""
        entry = Fault(name=name, begin=now().ToMilliseconds())
        self.faults.append(entry)
        yield
        entry.end = now().ToMilliseconds()


def reason(error: grpc.aio.AioRpcError) -> str:
    """Return the status code of an error, followed by its ErrorInfo reason if it has one."""
    info = detail(error, error_details_pb2.ErrorInfo)
    return f"{error.code().name} {info.reason}" if info else error.code().name


def detail(error: grpc.aio.AioRpcError, kind: type[T]) -> T | None:
    """Return the status detail of this message type, or None."""
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        value: Any = kind()
        if packed.Unpack(value):
            return value  # type: ignore[no-any-return]
    return None


def portrait_request(details: str) -> GeneratePortraitRequest:
    """Return a request for a small portrait, which is safe to repeat."""
    request = GeneratePortraitRequest(theme="fantasy", details=details, model=MODEL, request_id=str(uuid.uuid4()))
    request.size.width = request.size.height = 64
    return request


class Callers:
    """Send calls to all servers in turn."""

    def __init__(self, platform: Platform, history: History) -> None:
        self._servers = itertools.cycle(platform.servers)
        self._history = history
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CALLS)

    async def request_pictures(self, count: int, details: str, *, over_seconds: float = 0) -> None:
        """Request `count` different pictures, evenly spread over a time; return once all are accepted."""
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(self.request_picture(portrait_request(f"{details} {number}")))
                await asyncio.sleep(over_seconds / count)

    async def request_picture(self, request: GeneratePortraitRequest) -> str:
        """Send a request until it is accepted, and return the id of the generation."""
        async with self._slots:
            response: Any = await self.retry_until_success(
                lambda server: server.generations.GeneratePortrait(request, timeout=CALL_SECONDS)
            )
        id_: str = response.generation.id
        self._history.accepted[id_] = request.details
        return id_

    async def request_until_error(self, seconds: float) -> tuple[GeneratePortraitRequest, grpc.aio.AioRpcError]:
        """Send new requests with a deadline of `seconds` until one fails; return that request and its error."""
        server = next(self._servers)
        while True:
            request = portrait_request(f"failed at first {uuid.uuid4()}")
            try:
                response: Any = await server.generations.GeneratePortrait(request, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                return request, error
            self._history.accepted[response.generation.id] = request.details

    async def wait_until_final(self, id_: str) -> Generation:
        """Return a generation once it is in a final state."""
        while True:
            response: Any = await self.retry_until_success(
                lambda server: server.generations.WaitGeneration(
                    WaitGenerationRequest(generation_id=id_), timeout=CALL_SECONDS
                )
            )
            if response.generation.state >= GenerationState.GENERATION_STATE_SUCCEEDED:
                generation: Generation = response.generation
                return generation

    async def retry_until_success(self, call: Callable[[Server], Awaitable[T]]) -> T:
        """Repeat a call on the servers in turn until it succeeds. Errors are recorded."""
        while True:
            try:
                return await call(next(self._servers))
            except grpc.aio.AioRpcError as error:
                self._history.error_counts[reason(error)] += 1
                self._record(error)
                await asyncio.sleep(PAUSE_SECONDS)

    def _record(self, error: grpc.aio.AioRpcError) -> None:
        description = f"{reason(error)}: {error.details()}"
        if error.code() in REJECTIONS:
            if detail(error, error_details_pb2.RetryInfo) is None:
                self._history.rejected.append(description)
        elif error.code() not in EXPECTED_CODES:
            self._history.unexpected_errors.append(description)


async def generating_ids(server: Server) -> set[str]:
    """Return the ids of all generations in the state GENERATING."""
    request = ListGenerationsRequest(state=GenerationState.GENERATION_STATE_GENERATING, page_size=100)
    ids: set[str] = set()
    while True:
        page = await server.generations.ListGenerations(request, timeout=CALL_SECONDS)
        ids |= {each.id for each in page.generations}
        request.page_token = page.next_page_token
        if not request.page_token:
            return ids
