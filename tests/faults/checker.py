"""Check that every accepted generation has exactly one intact image, one event and one bill."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ListImagesRequest, ReadImageRequest

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from tests.faults.callers import CALL_SECONDS, Callers, History
from tests.faults.platform import EVENT_QUEUE, Platform, Server

MAX_CONCURRENT_READS = 8
EVENT_TIMEOUT_SECONDS = 120.0
"""Time limit for events: another process publishes what a killed one left in the outbox well within it."""


@dataclass(kw_only=True, slots=True)
class Report:
    """The outcome of a run. Entries are readable descriptions of single problems or observations."""

    completed: int = 0
    """Number of accepted generations whose picture is intact."""
    billed: int = 0
    """Number of pictures that GetImg.AI billed."""
    lost: list[str] = field(default_factory=list)
    """Accepted, but missing or damaged."""
    duplicated: list[str] = field(default_factory=list)
    """Events and bills that are repeated within the guarantees."""
    recovered: list[str] = field(default_factory=list)
    """For each generation that was in progress during a fault and completed, the name of the fault."""
    wrongly_rejected: list[str] = field(default_factory=list)
    """Correct calls that were rejected as if their caller had made a mistake."""
    unexpected: list[str] = field(default_factory=list)
    """Violations of a guarantee other than these."""

    @property
    def is_good(self) -> bool:
        """Whether all guarantees were kept."""
        return not (self.lost or self.wrongly_rejected or self.unexpected)

    def summary(self, history: History) -> str:
        """Return the report as text, with at most 20 lines per kind of problem."""
        lines = [
            f"accepted {len(history.accepted)}, completed {self.completed}, billed {self.billed}",
            f"lost {len(self.lost)}",
            *(f"  {each}" for each in self.lost[:20]),
            f"duplicated {len(self.duplicated)} (allowed)",
            *(f"  {each}: {count}" for each, count in Counter(self.duplicated).items()),
            f"recovered {len(self.recovered)}",
            *(f"  in progress during {each}: {count}" for each, count in Counter(self.recovered).items()),
            f"wrongly rejected {len(self.wrongly_rejected)}",
            *(f"  {each}" for each in self.wrongly_rejected[:20]),
            f"unexpected {len(self.unexpected)}",
            *(f"  {each}" for each in self.unexpected[:20]),
            "errors of calls: " + (", ".join(f"{k} {v}" for k, v in history.error_counts.most_common()) or "none"),
        ]
        return "\n".join(lines)


async def check(platform: Platform, callers: Callers, history: History, *, timeout: float) -> Report:
    """Wait up to `timeout` seconds until all accepted generations end, and check everything that callers can see."""
    report = Report()
    succeeded = await _wait_for_all(callers, history, report, timeout)
    slots = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def check_picture(generation: Generation) -> None:
        async with slots:
            problem = await _problem_with_bytes(callers, generation.image)
        if problem:
            report.lost.append(f"generation {generation.id}: {problem}")
        else:
            report.completed += 1
            _record_recovery(generation, history, report)

    async with asyncio.TaskGroup() as group:
        for generation in succeeded.values():
            group.create_task(check_picture(generation))
    await _check_listings(callers, history, succeeded, report)
    await _check_events(platform, history, {each.image.id for each in succeeded.values()}, report)
    await _check_billing(platform, history, succeeded, report)
    await _check_dead_letters(platform, report)
    report.unexpected += history.unexpected_errors
    report.wrongly_rejected += history.rejected
    return report


async def _wait_for_all(callers: Callers, history: History, report: Report, timeout: float) -> dict[str, Generation]:
    """Return the generations that succeeded, by id, and report all others as lost."""
    waiting = {id_: asyncio.create_task(callers.wait_until_final(id_)) for id_ in history.accepted}
    if waiting:
        await asyncio.wait(waiting.values(), timeout=timeout)
    succeeded = {}
    for id_, task in waiting.items():
        if not task.done():
            task.cancel()
            report.lost.append(f"generation {id_} has not ended")
        elif task.result().state != GenerationState.GENERATION_STATE_SUCCEEDED:
            failed = task.result()
            state = GenerationState.Name(failed.state)
            report.lost.append(f"generation {id_} is {state}: {failed.error.reason} {failed.error.message}")
        else:
            succeeded[id_] = task.result()
    return succeeded


async def _problem_with_bytes(callers: Callers, image: Image) -> str:
    """Return what is wrong with the stored bytes of an image, or an empty text."""

    async def read(server: Server) -> bytes:
        parts = server.images.ReadImage(ReadImageRequest(image_id=image.id), timeout=CALL_SECONDS)
        return b"".join([part.data async for part in parts])

    data = await callers.retry_until_success(read)
    if hashlib.sha256(data).hexdigest() != image.content.sha256:
        return f"image {image.id}: its {len(data)} bytes do not match its SHA-256"
    return ""


def _record_recovery(generation: Generation, history: History, report: Report) -> None:
    begin, end = generation.create_time.ToMilliseconds(), generation.finish_time.ToMilliseconds()
    for fault in history.faults:
        if begin <= fault.end and fault.begin <= end:
            report.recovered.append(fault.name)
            return


async def _check_listings(callers: Callers, history: History, succeeded: dict[str, Generation], report: Report) -> None:
    """Check that exactly the accepted generations and their images are listed, each once."""
    async for generation in _all(callers, "ListGenerations", ListGenerationsRequest(page_size=100)):
        if generation.id not in history.accepted:
            report.unexpected.append(f"generation {generation.id} is listed, but no caller requested it")
    images = [each.id async for each in _all(callers, "ListImages", ListImagesRequest(page_size=100))]
    accepted = Counter(each.image.id for each in succeeded.values())
    report.unexpected += [f"image {id_} belongs to {n} generations" for id_, n in accepted.items() if n > 1]
    report.unexpected += [f"image {id_} belongs to no accepted generation" for id_ in set(images) - set(accepted)]
    report.lost += [f"image {id_} is not listed" for id_ in set(accepted) - set(images)]


async def _all(callers: Callers, method: str, request: Any) -> Any:
    while True:

        async def page(server: Server) -> Any:
            stub = server.images if method == "ListImages" else server.generations
            return await getattr(stub, method)(request, timeout=CALL_SECONDS)

        response = await callers.retry_until_success(page)
        for each in response.images if method == "ListImages" else response.generations:
            yield each
        request.page_token = response.next_page_token
        if not request.page_token:
            return


async def _check_events(platform: Platform, history: History, images: set[str], report: Report) -> None:
    """Check that each image has exactly one event, which may be delivered more than once."""
    received = history.events
    async with platform.channel() as channel:
        queue = await channel.get_queue(EVENT_QUEUE)
        deadline = asyncio.get_running_loop().time() + EVENT_TIMEOUT_SECONDS
        while asyncio.get_running_loop().time() < deadline and not images <= received.keys():
            while message := await queue.get(no_ack=True, fail=False):
                event = envelopes.decode(message.body, message.content_type or "")
                received[str(event.payload["image_id"])][event.id] += 1
            await asyncio.sleep(0.2)
    report.lost += [f"event of image {id_} is missing" for id_ in images - received.keys()]
    report.unexpected += [
        f"event of image {id_}, which belongs to no accepted generation" for id_ in received.keys() - images
    ]
    for image, events in received.items():
        if len(events) > 1:
            report.unexpected.append(f"image {image} has {len(events)} different events")
        report.duplicated += ["image_generated event delivered again"] * (events.total() - len(events))


async def _check_billing(
    platform: Platform, history: History, succeeded: dict[str, Generation], report: Report
) -> None:
    """Check that each picture was billed once, or more often only if its call was in flight at a kill."""
    report.billed = int((await platform.standin_report())["billed"])
    repeated = report.billed - len(succeeded)
    allowed = [id_ for id_ in history.in_flight_at_kill if id_ in succeeded and succeeded[id_].attempts > 1]
    report.duplicated += ["billed again, was in flight at a kill"] * max(0, min(repeated, len(allowed)))
    report.unexpected += ["billed again, was not in flight at a kill"] * max(0, repeated - len(allowed))


async def _check_dead_letters(platform: Platform, report: Report) -> None:
    async with platform.channel() as channel:
        queue = await channel.get_queue(topology.DEAD_QUEUE)
        while message := await queue.get(no_ack=True, fail=False):
            headers = message.headers
            report.unexpected.append(f"dead letter from {headers.get('origin')!s}: {headers.get('reason')!s}")
