"""Callers of the platform: they ask again until they are promised a picture, and remember every promise."""

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
AT_ONCE = 16
TEMPORARY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
"""What a caller of a platform that is being broken has to expect."""

T = TypeVar("T")


@dataclass(kw_only=True, slots=True)
class Fault:
    """What was done to the platform, from when to when (milliseconds since the epoch)."""

    name: str
    begin: int
    end: int = 0


@dataclass(kw_only=True, slots=True)
class Diary:
    """What was done and promised meanwhile."""

    faults: list[Fault] = field(default_factory=list)
    promised: dict[str, str] = field(default_factory=dict)
    """Generations that callers were told of, and what they are pictures of."""
    in_hand_at_a_kill: set[str] = field(default_factory=set)
    """Generations that GetImg.AI may have been drawing for a server that was killed."""
    events: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Ids of the `image_generated` events that were heard, by image, and how often each."""
    refusals: Counter[str] = field(default_factory=Counter)
    """What callers were told instead of an answer, and how often."""
    wrong_refusals: list[str] = field(default_factory=list)
    """What no caller should ever be told."""

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        """Within the block, the platform is broken in this way."""
        entry = Fault(name=name, begin=now().ToMilliseconds())
        self.faults.append(entry)
        yield
        entry.end = now().ToMilliseconds()


def reason(error: grpc.aio.AioRpcError) -> str:
    """The code of an error, and its reason if it has one."""
    info = detail(error, error_details_pb2.ErrorInfo)
    return f"{error.code().name} {info.reason}" if info else error.code().name


def detail(error: grpc.aio.AioRpcError, kind: type[T]) -> T | None:
    """A detail of an error's status."""
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        found: Any = kind()
        if packed.Unpack(found):
            return found  # type: ignore[no-any-return]
    return None


def portrait(what: str) -> GeneratePortraitRequest:
    """Asks for a small picture; as often as it is sent, for one."""
    request = GeneratePortraitRequest(theme="fantasy", details=what, model=MODEL, request_id=str(uuid.uuid4()))
    request.size.width = request.size.height = 64
    return request


class Callers:
    """They spread their calls over all servers."""

    def __init__(self, platform: Platform, diary: Diary) -> None:
        self._servers = itertools.cycle(platform.servers)
        self._diary = diary
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def ask_for_pictures(self, count: int, what: str, *, over_seconds: float = 0) -> None:
        """Gets promises of so many different pictures, spread over a time."""
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(self.ask_for(portrait(f"{what} {number}")))
                await asyncio.sleep(over_seconds / count)

    async def ask_for(self, request: GeneratePortraitRequest) -> str:
        """Gets the promise of a picture; answers the generation's id."""
        async with self._slots:
            answer: Any = await self.until_answered(
                lambda server: server.generations.GeneratePortrait(request, timeout=CALL_SECONDS)
            )
        id_: str = answer.generation.id
        self._diary.promised[id_] = request.details
        return id_

    async def failed_call(self, seconds: float) -> tuple[GeneratePortraitRequest, grpc.aio.AioRpcError]:
        """Asks, with so short a deadline, until a request is refused; that request, and what was said."""
        server = next(self._servers)
        while True:
            request = portrait(f"refused at first {uuid.uuid4()}")
            try:
                answer: Any = await server.generations.GeneratePortrait(request, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                return request, error
            self._diary.promised[answer.generation.id] = request.details

    async def outcome(self, id_: str) -> Generation:
        """A generation once it has ended."""
        while True:
            answer: Any = await self.until_answered(
                lambda server: server.generations.WaitGeneration(
                    WaitGenerationRequest(generation_id=id_), timeout=CALL_SECONDS
                )
            )
            if answer.generation.state >= GenerationState.GENERATION_STATE_SUCCEEDED:
                ended: Generation = answer.generation
                return ended

    async def until_answered(self, call: Callable[[Server], Awaitable[T]]) -> T:
        """Calls one server after the other until one answers."""
        while True:
            try:
                return await call(next(self._servers))
            except grpc.aio.AioRpcError as error:
                self._diary.refusals[reason(error)] += 1
                if error.code() not in TEMPORARY:
                    self._diary.wrong_refusals.append(f"{reason(error)}: {error.details()}")
                await asyncio.sleep(PAUSE_SECONDS)


async def drawing_now(server: Server) -> set[str]:
    """Generations that GetImg.AI may be drawing just now."""
    wanted = ListGenerationsRequest(state=GenerationState.GENERATION_STATE_GENERATING, page_size=100)
    found: set[str] = set()
    while True:
        page = await server.generations.ListGenerations(wanted, timeout=CALL_SECONDS)
        found |= {each.id for each in page.generations}
        wanted.page_token = page.next_page_token
        if not wanted.page_token:
            return found
