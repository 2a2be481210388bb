"""Attacks of hostile callers. Each runs in a process of its own and prints how its calls ended."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import grpc
import pyvips
from google.rpc import error_details_pb2
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest, WatchGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import ListImagesRequest, UploadImageRequest, WatchImagesRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.map_pb2 import CoordinateUnit, Position, Wall
from tabletop.image.v1.overlay_pb2 import LineOfSight, Range, RangeKind, TacticalElement
from tabletop.image.v1.overlay_service_pb2 import CreateTacticalOverlayRequest
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub

from tests.faults.callers import detail, portrait_request
from tests.faults.rapid_reset import reset_calls
from tests.service import CHUNK_BYTES, UPLOAD_DEFAULTS, upload_parts

STREAMS = 2_000
STALLED_UPLOADS = 100
SCANS, PICTURES_OF_SCANS = 100_000, 10
VIEWS, MOVEMENTS = 60, 10
OVERLAY_CALLERS = 8
"""Callers that create overlays at once."""
BURST_CALLS = 1_500
GENERATIONS = 1_000
MAP_PIXELS, MAP_CELL_PIXELS = 4096, 8
"""Side lengths of the map that overlays are created on, and of its cells: the smallest that the contract allows."""
CALL_SECONDS = 5.0
"""Deadline of calls that are expected to be slow."""
BURST_SECONDS = 30.0
"""Deadline of calls that all come at once."""
PROMPT_SECONDS = 5.0
"""A refusal that takes longer comes too late."""
LATE = " late"
"""Ends the name of such an outcome. It is expected while other attacks occupy the event loop: gRPC takes one call of a
method per six turns of the loop, and the others wait inside gRPC, where no limit of the service sees them."""
PAUSE_SECONDS = 1.0
"""Time from a failure without a retry delay to the next attempt."""
ACCEPTANCE_SECONDS = 60.0
"""Time limit for all generations to be accepted."""
GENERATION_SECONDS = 120.0
"""Time limit for all accepted generations to end."""
CONCURRENT_WAITS = 8
HELD = "held to the end"
"""Outcome of calls that last until the attack ends."""
NICE = 5
"""Attackers have machines of their own, so they must not take the server's time on this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The service under attack."""

    address: str
    map_id: str
    """A tactical map with sides of MAP_PIXELS and cells of MAP_CELL_PIXELS."""
    generation_id: str
    """A generation that does not end during the attack."""
    seconds: float
    """Duration of the attack."""


Outcomes = Counter[str]
"""Number of calls by outcome."""
Attack = Callable[[Target, grpc.aio.Channel], Awaitable[Outcomes]]


def status(error: grpc.aio.AioRpcError) -> str:
    """Return the name of a status code. A refusal without a retry delay has a name of its own."""
    name: str = error.code().name
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and not detail(error, error_details_pb2.RetryInfo):
        return f"{name} without RetryInfo"
    return name


async def outcome(call: Awaitable[Any]) -> str:
    """Return the status of a call when it ends."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return status(error)
    return "OK"


async def hold(calls: Iterator[Awaitable[Any]], seconds: float) -> Outcomes:
    """Make calls and keep them for some seconds; return how they ended."""
    tasks = [asyncio.create_task(outcome(call)) for call in calls]
    ended, held = await asyncio.wait(tasks, timeout=seconds)
    for task in held:
        task.cancel()
    return Counter([task.result() for task in ended] + [HELD] * len(held))


async def repeat(call: Callable[[], Awaitable[Any]], seconds: float, *, callers: int) -> Outcomes:
    """Let several callers repeat a call, without pauses, for some seconds; return how the calls ended."""
    end = time.monotonic() + seconds
    outcomes: Outcomes = Counter()

    async def caller() -> None:
        while time.monotonic() < end:
            outcomes[await outcome(call())] += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return outcomes


async def streams(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Open 2,000 watches and keep them."""
    images, generations = ImageServiceStub(channel), GenerationServiceStub(channel)

    async def read(call: Any) -> None:
        async for _ in call:
            pass

    def calls() -> Iterator[Awaitable[None]]:
        for _ in range(STREAMS // 2):
            yield read(images.WatchImages(WatchImagesRequest()))
            yield read(generations.WatchGeneration(WatchGenerationRequest(generation_id=target.generation_id)))

    return await hold(calls(), target.seconds)


async def uploads(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Begin 100 uploads with 1 MiB each, and send nothing more."""
    images: Any = ImageServiceStub(channel)

    async def parts() -> AsyncIterator[UploadImageRequest]:
        yield UploadImageRequest(description=UPLOAD_DEFAULTS)
        yield UploadImageRequest(data=bytes(CHUNK_BYTES))
        await asyncio.sleep(math.inf)

    return await hold((images.UploadImage(parts()) for _ in range(STALLED_UPLOADS)), target.seconds)


async def resets(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Reset calls right after they were sent, at full speed on one connection."""
    return await reset_calls(target.address, "tabletop.image.v1.ImageService/ListImages", target.seconds)


async def scans(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Upload ten progressive JPEGs with 100,000 scans each at once, repeatedly."""
    images: Any = ImageServiceStub(channel)
    picture = picture_of_scans(SCANS)
    return await repeat(
        lambda: images.UploadImage(upload_parts(picture), timeout=BURST_SECONDS),
        target.seconds,
        callers=PICTURES_OF_SCANS,
    )


def picture_of_scans(count: int) -> bytes:
    """Return a small file that is a large progressive JPEG: its last scan is repeated."""
    plain = pyvips.Image.black(MAP_PIXELS, MAP_PIXELS, bands=3).copy(interpretation="srgb")
    data: bytes = plain.write_to_buffer(".jpg", interlace=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + data[-2:]


async def views(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Create overlays with sixty lines of sight, or ten movements of 5,000 ft, on the finest grid, repeatedly."""
    overlays: Any = OverlayServiceStub(channel)
    rng = random.Random(1)
    requests = itertools.cycle((_sights, _movements))

    def create() -> Awaitable[Any]:
        elements = next(requests)(rng)
        request = CreateTacticalOverlayRequest(map_id=target.map_id, elements=elements)
        call: Awaitable[Any] = overlays.CreateTacticalOverlay(request, timeout=CALL_SECONDS)
        return call

    return await repeat(create, target.seconds, callers=OVERLAY_CALLERS)


def _sights(rng: random.Random) -> list[TacticalElement]:
    return [_walled_in(rng, f"sight {number}", LineOfSight()) for number in range(VIEWS)]


def _movements(rng: random.Random) -> list[TacticalElement]:
    movement = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=5000)
    return [_walled_in(rng, f"movement {number}", movement) for number in range(MOVEMENTS)]


def _walled_in(rng: random.Random, id_: str, kind: LineOfSight | Range) -> TacticalElement:
    """Return an element at a random position in a walled room.

    The element covers only the cells of the room, as many as an overlay may cover, but all cells of the map are
    examined. No position is used twice, so no result is in a cache.
    """
    x, y = (rng.uniform(20, MAP_PIXELS / MAP_CELL_PIXELS - 20) for _ in range(2))
    element = TacticalElement(id=id_, position=_cells(x, y))
    corners = [(x - 8, y - 8), (x + 8, y - 8), (x + 8, y + 8), (x - 8, y + 8)]
    walls = [
        Wall(start=_cells(*start), end=_cells(*end))
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    field = element.line_of_sight if isinstance(kind, LineOfSight) else element.range
    field.MergeFrom(kind)  # type: ignore[arg-type]
    field.walls.extend(walls)
    return element


def _cells(x: float, y: float) -> Position:
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)


async def burst(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Make 1,500 calls of ListImages at once on one connection, and again as soon as all have ended."""
    images: Any = ImageServiceStub(channel)
    end = time.monotonic() + target.seconds
    outcomes: Outcomes = Counter()
    while time.monotonic() < end:
        calls = (images.ListImages(ListImagesRequest(), timeout=BURST_SECONDS) for _ in range(BURST_CALLS))
        outcomes.update(await asyncio.gather(*map(outcome, calls)))
    return outcomes


async def generations(target: Target, channel: grpc.aio.Channel) -> Outcomes:
    """Request 1,000 different portraits at once, each until it is accepted; wait until those accepted end."""
    end = time.monotonic() + ACCEPTANCE_SECONDS
    stub: Any = GenerationServiceStub(channel)
    outcomes: Outcomes = Counter()

    async def accepted_id(number: int) -> str | None:
        request = portrait_request(f"hostile portrait {number}")
        while time.monotonic() < end:
            started = time.monotonic()
            try:
                response: Any = await stub.GeneratePortrait(request, timeout=BURST_SECONDS)
            except grpc.aio.AioRpcError as error:
                late = time.monotonic() - started > PROMPT_SECONDS
                refused = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                outcomes[status(error) + (LATE if late and refused else "")] += 1
                retry = detail(error, error_details_pb2.RetryInfo)
                await asyncio.sleep(retry.retry_delay.ToTimedelta().total_seconds() if retry else PAUSE_SECONDS)
            else:
                outcomes["OK"] += 1
                return str(response.generation.id)
        outcomes["never accepted"] += 1
        return None

    ids = await asyncio.gather(*map(accepted_id, range(GENERATIONS)))
    return outcomes + await _final_states(stub, [id_ for id_ in ids if id_])


async def _final_states(stub: Any, ids: list[str]) -> Outcomes:
    """Return the number of generations by state, once all have ended or GENERATION_SECONDS have passed."""
    slots = asyncio.Semaphore(CONCURRENT_WAITS)

    async def final_state(id_: str) -> str:
        request = WaitGenerationRequest(generation_id=id_)
        while True:
            try:
                async with slots:
                    state = (await stub.WaitGeneration(request, timeout=CALL_SECONDS)).generation.state
            except grpc.aio.AioRpcError:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                if state >= GenerationState.GENERATION_STATE_SUCCEEDED:
                    return GenerationState.Name(state).removeprefix("GENERATION_STATE_")

    tasks = [asyncio.create_task(final_state(id_)) for id_ in ids]
    if not tasks:
        return Counter()
    ended, others = await asyncio.wait(tasks, timeout=GENERATION_SECONDS)
    for task in others:
        task.cancel()
    return Counter(f"generation {state}" for state in [task.result() for task in ended] + ["not ended"] * len(others))


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (streams, uploads, resets, scans, views, burst, generations)
}


async def run(name: str, target: Target) -> Outcomes:
    """Run an attack on one connection, and return how its calls ended."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        await asyncio.wait_for(channel.channel_ready(), BURST_SECONDS)
        return await ATTACKS[name](target, channel)


async def start_process(name: str, target: Target) -> asyncio.subprocess.Process:
    """Start an attack in a process of its own, and return it once the attack begins."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, name, json.dumps(asdict(target))), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.attacks", description=__doc__)
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("target", type=lambda text: Target(**json.loads(text)), help="JSON of a Target")
    options = parser.parse_args()
    os.nice(NICE)
    print("starts", flush=True)
    print(json.dumps(asyncio.run(run(options.name, options.target))), flush=True)


if __name__ == "__main__":
    main()
